"""Running the calls, in the main thread."""
import _thread
import faulthandler
import os
import signal
import sys
import time

from .cbor import dumps, loads, settle
from .errors import Canceled, describe
from .frames import (BOARD, CLAIM, ERROR, FAILED, HELLO, IN, LIFELINE, OUT, READY, RESULT, RETURNED, REVOKED, SPREAD,
                     STARTED, fields, pack_header, write_all)
from .link import Link, leave
from .tasks import at_exit, hooks, initializers, tasks

WINDOW = 64


class Worker(Link):

    def serve(self):
        signal.signal(signal.SIGURG, self.on_signal)  # fails outside of the main thread
        faulthandler.enable(file=BOARD)
        os.register_at_fork(after_in_child=self.forked)
        sys.stdout.reconfigure(line_buffering=True)
        sys.stderr.reconfigure(line_buffering=True)
        while self.setup is None:
            self.receive()
        if "multiprocessing.process" in sys.modules:  # is loaded only if the program wants it
            sys.modules["multiprocessing.process"].current_process().name = self.setup["name"]
        self.names = list(tasks)
        self.say(HELLO, {"version": 1, "language": "python", "tasks": self.names, "initializers": list(initializers),
                         "codecs": ["cbor"], "window": WINDOW, "dumps": True, "fenced": False})
        _thread.start_new_thread(self.watch, ())  # ends with the process
        self.initialize(self.setup.get("initializer"))
        self.say(READY, None)
        try:
            self.run()
        except BrokenPipeError:
            leave()
        while hooks:
            hooks.pop()()
        sys.exit(0)

    def initialize(self, name):
        if not name:
            return
        self.live = self.seq = -1  # watched like a call
        try:
            if name not in initializers:
                raise LookupError("the worker has no initializer %r" % name)
            cleanup = initializers[name](self.setup.get("arg"))
            if callable(cleanup):
                at_exit(cleanup)
        except SystemExit:
            raise
        except BaseException as e:
            self.say(FAILED, describe("error" if name in initializers else "unknown", e))
            sys.exit(1)
        finally:
            self.live = self.seq = 0

    def run(self):
        """Run calls until the pool says stop, or there were as many as it may run. Each is answered before the next is begun."""
        calls, board, functions, write = self.calls, self.board, list(tasks.values()), os.write
        limit = self.setup.get("limit") or -1
        while self.started != limit:
            if not calls:
                self.more()
            flags, number, seq, body = calls.popleft()
            if not seq:
                return
            board[CLAIM] = seq
            if seq <= board[REVOKED]:
                write(OUT, pack_header(0, RETURNED, self.retiring, 0, seq))
                continue
            board[STARTED] = seq
            self.started += 1
            kind = "argument"
            try:
                at = 8
                if flags & 15:
                    at = self.prepare(seq, flags, body)  # before it is live: who attends it must find its time
                try:  # from the next line to the finally, on_signal may raise
                    self.now = flags, number, body
                    self.live = seq
                    self.seq = seq
                    if self.deaf:
                        self.deaf = False
                        os.write(self.nudge, b"!")
                    if self.canceled and seq in self.canceled:
                        kind = "error"
                        raise Canceled
                    if number >= len(functions):
                        kind = "unknown"
                        raise LookupError("the worker has no task number %d" % number)
                    function, views = functions[number]
                    argument = loads(body[at:], views)
                    kind = "error"
                    value = function(*argument) if flags & SPREAD else function(argument)
                finally:
                    self.live = 0
                kind = "result"
                payload = dumps(value)
                answer = RESULT
            except SystemExit:
                raise
            except BaseException as e:
                payload = dumps(describe(kind, e))
                answer = ERROR
            self.now = body = argument = value = None
            if self.dumping:
                with self.mouth:
                    pass
            if self.canceled:
                self.canceled.discard(seq)
            if type(payload) is bytes:
                write(OUT, pack_header(len(payload), answer, self.retiring, 0, seq) + payload)
            else:
                size = sum(map(len, payload))
                write_all([pack_header(size, answer, self.retiring, 0, seq), *payload])
            payload = None

    def prepare(self, seq, flags, body):
        _, timeout, deadline, _, _, at = fields(flags, body)
        left = []
        if timeout:
            left.append(timeout / 1e9)
        if deadline:
            left.append(deadline / 1e9 - time.time())
        if left:
            self.until = seq, time.monotonic() + min(left)
        return at

    def more(self):
        """Wait until there is a call. The watching thread gives the reading back when it is nudged."""
        settle()
        if not self.reader.acquire(False):
            os.write(self.nudge, b"!")
            self.reader.acquire()
        while not self.calls:
            self.receive()
        self.reader.release()

    def say(self, kind, body):
        payload = b"" if body is None else dumps(body)
        parts = [payload] if type(payload) is bytes else payload
        write_all([pack_header(sum(map(len, parts)), kind, 0, 0, 0), *parts])

    def forked(self):
        """In a process that a task forked: it is no worker, and must not speak for one."""
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (IN, OUT, BOARD, LIFELINE):
            os.dup2(null, fd, False)
        os.close(null)
        self.calls.clear()
        self.reader = _thread.allocate_lock()
        signal.signal(signal.SIGURG, signal.SIG_DFL)
