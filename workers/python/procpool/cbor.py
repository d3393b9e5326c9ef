"""CBOR (RFC 8949), as much of it as Go values and Python values need; definite lengths only."""
import struct

MAX_PAYLOAD = (1 << 30) + (1 << 16)
SMALL = 4080  # with its header within PIPE_BUF: written in one piece
LONG = 4096  # a list or a map of so many bytes makes it worth loading cbor2

_QUICK = {bytes((i,)): i for i in range(24)}
_QUICK.update({bytes((0x20 + i,)): -1 - i for i in range(24)})
_QUICK.update({b"\xf4": False, b"\xf5": True, b"\xf6": None, b"\xf7": None})
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOAT = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}
_pack_float = struct.Struct(">Bd").pack
# RFC 8746: little-endian numbers in a byte string. Here is what memoryview calls their formats.
_TYPED = {64: "B", 68: "B", 69: "H", 70: "I", 71: "Q", 72: "b", 77: "h", 78: "i", 79: "q", 85: "f", 86: "d"}
_TAG = {(format, struct.calcsize(format)): tag for tag, format in _TYPED.items() if format != "B"}
_TAG.update({("l", 4): 78, ("l", 8): 79, ("L", 4): 70, ("L", 8): 71})


def loads(data, views=False):
    """Decode one value that fills data, which is bytes or a memoryview of them."""
    if len(data) == 1:
        key = bytes(data)
        if key in _QUICK:
            return _QUICK[key]
    elif len(data) and data[0] >> 5 in (4, 5) and not views:
        if _cbor2:
            value = _ask(_cbor2.loads, bytes(data), tag_hook=_hook)
            if value is not None:
                return value
        elif len(data) > LONG:
            _want()
    value, at = _get(data, 0, views)
    if at != len(data):
        raise ValueError("%d bytes after the value" % (len(data) - at))
    return value


def _get(data, at, views):
    if at >= len(data):
        raise ValueError("the value is cut off")
    major, n = data[at] >> 5, data[at] & 31
    at += 1
    if n >= 24:
        raw = data[at:at + (1 << n - 24)] if n < 28 else b""
        if n >= 28 or len(raw) != 1 << n - 24:
            raise ValueError("the value is cut off, or of indefinite length")
        at += len(raw)
        if major == 7 and n >= 25:
            return _FLOAT[n].unpack(raw)[0], at
        n = int.from_bytes(raw, "big")
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major == 7:
        if n not in _SIMPLE:
            raise ValueError("simple value %d has no meaning here" % n)
        return _SIMPLE[n], at
    if major == 6:
        value, at = _get(data, at, views or n in _TYPED)
        return _untag(n, value, views), at
    if n > len(data) - at:
        raise ValueError("the value is cut off")
    if major == 2:
        value = data[at:at + n]
        return (memoryview(value) if views else bytes(value)), at + n
    if major == 3:
        return str(data[at:at + n], "utf-8"), at + n
    if major == 4:
        items = []
        for _ in range(n):
            value, at = _get(data, at, views)
            items.append(value)
        return items, at
    pairs = {}
    for _ in range(n):
        key, at = _get(data, at, False)
        pairs[key], at = _get(data, at, views)
    return pairs, at


def _untag(tag, value, views):
    if 64 <= tag <= 87:
        if tag not in _TYPED:
            raise ValueError("typed arrays with the tag %d are not understood" % tag)
        numbers = memoryview(value).cast(_TYPED[tag])
        return numbers if views else numbers.tolist()
    if tag in (0, 1):
        from datetime import datetime, timezone
        return _parse_time(value) if tag == 0 else datetime.fromtimestamp(value, timezone.utc)
    if tag in (2, 3):
        n = int.from_bytes(value, "big")
        return n if tag == 2 else -1 - n
    return value


def _parse_time(text):
    from datetime import datetime
    day, _, clock = text.replace("Z", "+00:00").partition("T")
    zone = clock[8:].lstrip(".0123456789")
    fraction = clock[8:len(clock) - len(zone)].lstrip(".")[:6].ljust(6, "0")  # Go has nine digits, Python six
    return datetime.fromisoformat("%sT%s.%s%s" % (day, clock[:8], fraction, zone))


def dumps(value):
    """Encode a value: bytes, or a list of bytes and memoryviews if it is large."""
    if value is None:
        return b"\xf6"
    if type(value) is int and 0 <= value < 24:
        return bytes((value,))
    out = []
    many = type(value) in _MANY
    if many and _cbor2 and _plain(value):
        whole = _ask(_cbor2.dumps, value)
        out.append(_joined(value) if whole is None else whole)
    else:
        _put(value, out.append)
    size = sum(map(len, out))
    if many and size > LONG:
        _want()
    if size > MAX_PAYLOAD:
        raise ValueError("%d bytes are more than a result may have" % size)
    return b"".join(out) if size < SMALL else out


def _joined(value):
    out = []
    _put(value, out.append)
    return b"".join(out)


def _hook(first, second):
    """What cbor2 calls for a tag that it does not know: with a decoder and the tag, from 6.0 on with the tag and a bool."""
    tag = second if hasattr(second, "value") else first
    return _untag(tag.tag, tag.value, False)


def _head(major, n):
    major <<= 5
    if n < 24:
        return bytes((major | n,))
    for code, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * width:
            return bytes((major | code,)) + n.to_bytes(width, "big")
    raise OverflowError(n)


def _put(value, out):
    if value is None or value is True or value is False:
        out(b"\xf6" if value is None else b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        _put_int(int(value), out)
    elif isinstance(value, float):
        out(_pack_float(0xfb, value))
    elif isinstance(value, str):
        text = value.encode()
        out(_head(3, len(text)) + text)
    elif isinstance(value, (list, tuple)):
        out(_head(4, len(value)))
        for item in value:
            _put(item, out)
    elif isinstance(value, dict):
        out(_head(5, len(value)))
        for key, item in value.items():
            _put(key, out)
            _put(item, out)
    elif hasattr(value, "__dataclass_fields__"):
        _put({name: getattr(value, name) for name in value.__dataclass_fields__}, out)
    elif type(value).__module__ == "datetime" and hasattr(value, "astimezone"):
        text = (value if value.tzinfo else value.astimezone()).isoformat().encode()
        out(b"\xc0" + _head(3, len(text)) + text)
    else:
        _put_buffer(value, out)


def _put_int(n, out):
    major = 0 if n >= 0 else 1
    m = n if n >= 0 else -1 - n
    if m < 1 << 64:
        return out(_head(major, m))
    raw = m.to_bytes((m.bit_length() + 7) // 8, "big")
    out(_head(6, 2 + major) + _head(2, len(raw)) + raw)


def _put_buffer(value, out):
    """Bytes, arrays of numbers, NumPy's included: their memory itself is what is sent."""
    try:
        view = memoryview(value)
    except TypeError:
        if hasattr(value, "__index__"):
            return _put_int(value.__index__(), out)
        raise TypeError("a value of type %s cannot be sent" % type(value).__qualname__) from None
    if view.ndim == 0:
        return _put(view.tolist(), out)
    if view.ndim > 1:
        out(_head(4, len(value)))
        for row in value:
            _put(row, out)
        return
    if view.format not in ("B", "c"):
        tag = _TAG.get((view.format.lstrip("<=@"), view.itemsize))
        if tag is None:
            raise TypeError("an array of format %r cannot be sent" % view.format)
        out(_head(6, tag))
    out(_head(2, view.nbytes))
    if view.nbytes:
        out(view.cast("B") if view.c_contiguous and len(view.format) == 1 else view.tobytes())


# cbor2 is faster for lists and maps. It is loaded only once there is a long one, and between two calls: it takes as long as
# half of Python's own start, and a cancellation must not meet it halfway.

_cbor2 = None
_wanted = False
_looked = False

_MANY = (list, dict, tuple)
_ONE = frozenset((type(None), bool, int, float, str, bytes))
_KNOWN = _ONE.union(_MANY)


def _plain(value, levels=32):
    """Report whether cbor2 encodes a list or a map as this module does. It has opinions about dates, sets and others."""
    if not levels:
        return False
    for part in (value, value.values()) if type(value) is dict else (value,):
        kinds = set(map(type, part))
        if not kinds <= _KNOWN or not kinds <= _ONE and not all(_plain(item, levels - 1) for item in part if type(item) in _MANY):
            return False
    return True


def _ask(function, *args, **named):
    """Call a function of cbor2; None if it refuses. What is wrong, if anything is, is decided by this module."""
    try:
        return function(*args, **named)
    except TimeoutError:  # the time of the task is over
        raise
    except Exception:
        return None


def _want():
    global _wanted
    _wanted = not _looked


def settle():
    """Load cbor2 if it is wanted. Called between calls."""
    global _cbor2, _wanted, _looked
    if _wanted:
        _wanted, _looked = False, True
        _cbor2 = _library()


_SAMPLE = {"text": "\u00e9" * 30, "list": [None, True, 0, -1, 1 << 40, 0.1, (), {}], "bytes": b"\x00\xff", 7: {"big": 1 << 70}}


def _library():
    """Return cbor2 if it is installed and agrees with this module."""
    try:
        import cbor2
        plain, views = _joined(_SAMPLE), _joined([memoryview(b"ab").cast("b")])
        same = cbor2.dumps(_SAMPLE) == plain and cbor2.loads(plain, tag_hook=_hook) == _get(plain, 0, False)[0]
        return cbor2 if same and cbor2.loads(views, tag_hook=_hook) == [[97, 98]] else None
    except Exception:  # another version of it, or something else of that name
        return None
