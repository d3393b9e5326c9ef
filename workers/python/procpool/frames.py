"""The frames: docs/protocol.md, in Python."""
import os
import struct

SETUP, CALL, CANCEL, STOP, DUMP = 1, 2, 3, 4, 5
HELLO, READY, FAILED, RESULT, ERROR, RETURNED, DUMPED, LEAVING = 16, 17, 18, 19, 20, 21, 22, 23
TIMEOUT, DEADLINE, ATTEMPT, METADATA, SPREAD = 1, 2, 4, 8, 16
IN, OUT, BOARD, LIFELINE = 3, 4, 5, 6
CLAIM, STARTED, REVOKED = 8, 9, 16  # places on the board, in words of 8 bytes

MAX_BODY = (1 << 30) + (1 << 16) + (1 << 20)  # of a call or a result
MAX_CONTROL = 1 << 24  # of any other frame

pack_header = struct.Struct("<IBBHQ").pack
read_header = struct.Struct("<IBBHQ").unpack_from


def fields(flags, body):
    """Split a call's body: id, timeout, deadline (nanoseconds or 0), attempt, metadata (CBOR), where the payload starts."""
    (id,), at = struct.unpack_from("<Q", body), 8
    timeout = deadline = 0
    attempt, metadata = 1, b""
    if flags & TIMEOUT:
        (timeout,), at = struct.unpack_from("<Q", body, at), at + 8
    if flags & DEADLINE:
        (deadline,), at = struct.unpack_from("<q", body, at), at + 8
    if flags & ATTEMPT:
        (attempt,), at = struct.unpack_from("<I", body, at), at + 4
    if flags & METADATA:
        (size,), at = struct.unpack_from("<I", body, at), at + 4
        metadata, at = body[at:at + size], at + size
    return id, timeout, deadline, attempt, metadata, at


LARGE = 1 << 16  # from this size on, the pipe is made as large as a user may make it


def grow(fd):
    try:
        from fcntl import fcntl
        fcntl(fd, 1031, 1 << 20)  # F_SETPIPE_SZ, which has a name since Python 3.10
    except OSError:  # another system, or too many pipes that large
        pass


def write_all(parts):
    views = [memoryview(p) for p in parts if len(p)]
    if sum(map(len, views)) >= LARGE:
        grow(OUT)
    while views:
        n = os.writev(OUT, views[:512])
        while views and n >= len(views[0]):
            n -= len(views.pop(0))
        if n:
            views[0] = views[0][n:]
