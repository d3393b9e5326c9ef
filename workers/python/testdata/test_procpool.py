"""Tests of the module without a pool: python3 -m unittest discover -s testdata."""
import array
import dataclasses
import datetime
import decimal
import fractions
import math
import os
import sys
import types
import unittest
import uuid

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here))

import procpool  # noqa: E402
from procpool import cbor, errors, frames, tasks  # noqa: E402

VECTORS = os.path.join(here, "..", "..", "..", "internal", "wire", "testdata")


def dumped(value):
    out = cbor.dumps(value)
    return out if isinstance(out, bytes) else b"".join(out)


def vectors(file):
    """Yield (name, fields, bytes) for each entry."""
    entries = []
    with open(os.path.join(VECTORS, file), encoding="utf-8") as f:
        for line in f:
            line = line.partition("#")[0].rstrip()
            field, colon, value = line.strip().partition(":")
            if not line:
                continue
            if not line.startswith(" "):
                entries.append([line, {}, b""])
            elif field.startswith("="):
                entries[-1][2] += bytes.fromhex(field[1:])
            elif colon:
                entries[-1][1][field] = value.strip()
    return entries


class Values(unittest.TestCase):
    def test_round_trip(self):
        for value in [None, True, False, 0, 23, 24, 255, 256, 65535, 65536, 1 << 32, (1 << 64) - 1, 1 << 64, 1 << 200, -1,
                      -24, -25, -256, -257, -(1 << 64), -(1 << 64) - 1, -(1 << 200), 0.0, -0.5, math.pi, math.inf, "", "é" * 300,
                      b"", b"x" * 70000, [], [1, [2, [3]]], {}, {"a": [1, {"b": None}], 2: "c"}]:
            got = cbor.loads(dumped(value))
            self.assertEqual(got, value)
            self.assertIs(type(got), type(value))

    def test_half_and_single_floats(self):
        self.assertEqual(cbor.loads(bytes.fromhex("f93e00")), 1.5)
        self.assertEqual(cbor.loads(bytes.fromhex("fa47c35000")), 100000.0)

    def test_times(self):
        moment = datetime.datetime(2026, 3, 4, 5, 6, 7, 891000, datetime.timezone.utc)
        self.assertEqual(cbor.loads(dumped(moment)), moment)
        for text in ["2026-03-04T05:06:07.891Z", "2026-03-04T05:06:07.891000999Z", "2026-03-04T06:06:07.891+01:00"]:
            self.assertEqual(cbor.loads(b"\xc0" + dumped(text)), moment)
        self.assertEqual(cbor.loads(bytes.fromhex("c11a514b67b0")).timestamp(), 0x514b67b0)

    def test_arrays_of_numbers(self):
        for code in "hHiIlLqQfd":
            numbers = array.array(code, range(5))
            self.assertEqual(cbor.loads(dumped(numbers)), numbers.tolist())
            view = cbor.loads(dumped(numbers), views=True)
            self.assertIs(type(view), memoryview)
            self.assertEqual(view.tolist(), numbers.tolist())
        self.assertEqual(cbor.loads(dumped(array.array("B", b"abc"))), b"abc")
        self.assertEqual(cbor.loads(dumped(memoryview(b"abcdef")[::2])), b"ace")
        self.assertEqual(cbor.loads(dumped(bytearray(b"abc"))), b"abc")
        with self.assertRaises(ValueError):
            cbor.loads(bytes.fromhex("d852480000000000000000"))  # big-endian

    def test_large_bytes_are_not_copied(self):
        big = bytearray(1 << 20)
        parts = cbor.dumps(big)
        self.assertIs(parts[-1].obj, big)
        data = memoryview(b"".join(parts))
        self.assertIs(cbor.loads(data, views=True).obj, data.obj)

    def test_dataclass(self):
        @dataclasses.dataclass
        class Point:
            x: int
            y: int

        self.assertEqual(cbor.loads(dumped([Point(1, 2)])), [{"x": 1, "y": 2}])

    def test_what_cannot_be_sent(self):
        for value in [object(), {1, 2}, lambda: 0, [object()], {"a": object()}]:
            with self.assertRaises(TypeError):
                dumped(value)

    def test_broken(self):
        for text in ["", "18", "1900", "9bffffffffffffffff", "5f", "9f01ff", "65686974", "0101", "ff", "bbffffffffffffffff", "1c",
                     "f8", "61ff"]:
            with self.assertRaises(Exception, msg=text):
                cbor.loads(bytes.fromhex(text))

    def test_never_hangs_on_prefixes(self):
        whole = dumped({"a": [1, 2.5, "x", b"y", None], "b": {"c": 1 << 70}})
        for n in range(len(whole)):
            with self.assertRaises(Exception):
                cbor.loads(whole[:n])


class Library(unittest.TestCase):
    """cbor2 is used if it is there and agrees. These stand in for it."""

    def setUp(self):
        self.addCleanup(setattr, cbor, "_cbor2", cbor._cbor2)
        self.addCleanup(setattr, cbor, "_looked", cbor._looked)
        self.addCleanup(setattr, cbor, "_wanted", cbor._wanted)
        cbor._cbor2, cbor._looked, cbor._wanted = None, False, False

    def load(self, **functions):
        self.addCleanup(sys.modules.update, {"cbor2": sys.modules["cbor2"]} if "cbor2" in sys.modules else {})
        self.addCleanup(sys.modules.pop, "cbor2", None)
        sys.modules["cbor2"] = types.SimpleNamespace(**functions)
        return cbor._library()

    def loads(self, data, tag_hook):
        return cbor._get(data, 0, False)[0]

    def dumps(self, value):
        return cbor._joined(value)

    def test_used(self):
        self.load(loads=self.loads, dumps=self.dumps)
        dumped(list(range(100)))
        cbor.settle()
        self.assertIsNone(cbor._cbor2)  # for short ones it is not worth it
        dumped(list(range(10000)))
        cbor.settle()
        self.assertIsNotNone(cbor._cbor2)
        self.assertEqual(cbor.loads(dumped([1, {"a": b"b"}])), [1, {"a": b"b"}])

    def test_hook(self):
        tag = types.SimpleNamespace(tag=72, value=b"ab")
        self.assertEqual(cbor._hook(object(), tag), [97, 98])
        self.assertEqual(cbor._hook(tag, False), [97, 98])  # as cbor2 6 calls it

    def test_used_for_long_arguments(self):
        self.load(loads=self.loads, dumps=self.dumps)
        cbor.loads(cbor._joined({"a": list(range(10000))}))
        cbor.settle()
        self.assertIsNotNone(cbor._cbor2)

    def test_refused(self):
        def fails(*args, **named):
            raise KeyError

        self.assertIsNone(self.load())
        self.assertIsNone(self.load(loads=fails, dumps=self.dumps))
        self.assertIsNone(self.load(loads=self.loads, dumps=fails))
        self.assertIsNone(self.load(loads=self.loads, dumps=lambda value: b"\xf6"))
        self.assertIsNone(self.load(loads=lambda data, tag_hook: None, dumps=self.dumps))


class RealLibrary(Library):
    """The real cbor2: with it, a task gets and gives the same."""

    def setUp(self):
        super().setUp()
        try:
            import cbor2
        except ImportError:
            self.skipTest("cbor2 is not installed")
        self.loads, self.dumps = cbor2.loads, cbor2.dumps
        self.library = cbor._library()
        self.assertIsNotNone(self.library, "cbor2 does not agree")

    def both(self, function, *args):
        """Return what a function does without the library and with it: a value, or that it fails."""
        for cbor._cbor2 in (None, self.library):
            try:
                yield function(*args)
            except (ValueError, TypeError, RecursionError) as e:
                yield type(e)

    def test_same(self):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        point = dataclasses.make_dataclass("Point", ["x"])
        deep, cycle = [], []
        cycle.append(cycle)
        for _ in range(140):  # beyond what some versions of cbor2 take
            deep = [{"deep": [deep]}]
        for value in (None, True, -1, 1 << 64, -1 << 70, 0.5, math.inf, "\u00e9" * 70000, "\ud800", b"x" * 70000, bytearray(b"x"),
                      datetime.datetime(2020, 7, 1), datetime.datetime(2020, 7, 1, 1, 2, 3, 4, zone), {1, 2}, 1j, object(), point(1),
                      decimal.Decimal(1), uuid.UUID(int=1), fractions.Fraction(1, 3), array.array("d", range(40)), deep, cycle, (1, (2,))):
            for whole in ([value], {"key": value}, (value, [[value]]), {7: {"a": [value]}}):
                with self.subTest(str(whole)[:60]):
                    own, theirs = self.both(dumped, whole)
                    if isinstance(own, type):
                        self.assertEqual(own, theirs)
                        continue
                    own, theirs = cbor._get(own, 0, False)[0], cbor._get(theirs, 0, False)[0]
                    self.assertEqual(own, theirs)
                    own, theirs = self.both(cbor.loads, cbor._joined(whole))
                    self.assertEqual(own, theirs)

    def test_times(self):
        for text in ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05.123456789+02:00"):
            own, theirs = self.both(cbor.loads, b"\x81\xc0" + dumped(text))
            self.assertEqual(own, theirs)

    def test_broken(self):
        whole = dumped({"a": [1, 2.5, "x", b"y", None], "b": {"c": 1 << 70}})
        for n in range(len(whole)):
            own, theirs = self.both(cbor.loads, whole[:n])
            self.assertTrue(isinstance(own, type) and own == theirs, whole[:n].hex())


class Frames(unittest.TestCase):
    def check_header(self, fields, data):
        want = tuple(int(fields.get(name, "0")) for name in ("type", "flags", "task", "seq"))
        self.assertEqual(frames.read_header(data), (len(data) - 16,) + want)
        self.assertEqual(frames.pack_header(len(data) - 16, *want), data[:16])

    def test_frames(self):
        for name, fields, data in vectors("frames.txt"):
            with self.subTest(name):
                self.check_header(fields, data)
                if "body" in fields:
                    body = cbor.loads(data[16:])
                    self.assertEqual(dumped(body), data[16:])

    def test_calls(self):
        for name, fields, data in vectors("calls.txt"):
            with self.subTest(name):
                self.check_header(fields, data)
                id, timeout, deadline, attempt, metadata, at = frames.fields(data[5], data[16:])
                got = {"id": id, "timeout": timeout, "deadline": deadline, "attempt": attempt}
                want = {name: int(fields.get(name, name == "attempt")) for name in got}
                self.assertEqual(got, want)
                self.assertEqual(cbor.loads(metadata) if metadata else {}, {"trace": "0af7"} if "metadata" in fields else {})
                self.assertEqual(cbor.loads(data[16 + at:]), 42 if fields["payload"] == "42" else ["a", -1])


class Definitions(unittest.TestCase):
    def tearDown(self):
        tasks.tasks.clear()

    def test_names(self):
        @procpool.task
        def plain(x):
            return x

        @procpool.task(name="other", views=True)
        def named(x):
            return x

        self.assertEqual({name: views for name, (_, views) in tasks.tasks.items()}, {"plain": False, "other": True})
        with self.assertRaises(ValueError):
            procpool.task(plain)

    def test_no_parameters(self):
        procpool.task(lambda: 7, name="seven")
        self.assertEqual(tasks.tasks["seven"][0](None), 7)

    def test_outside(self):
        with self.assertRaises(RuntimeError):
            procpool.serve()


class Errors(unittest.TestCase):
    def describe(self, e):
        try:
            raise e
        except BaseException as caught:
            return errors.describe("error", caught)

    def test_describe(self):
        got = self.describe(KeyError("x"))
        self.assertEqual((got["kind"], got["type"], got["message"]), ("error", "KeyError", "'x'"))
        self.assertEqual(self.describe(procpool.TimedOut())["type"], "procpool.TimedOut")

    def test_odd_text(self):
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError

        self.assertIn("failed", self.describe(Odd())["message"])
        self.assertEqual(self.describe(ValueError("\udc80"))["message"], "\\udc80")


if __name__ == "__main__":
    unittest.main()
