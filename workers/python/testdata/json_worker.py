"""A worker written from docs/protocol.md alone, whose payloads are JSON. Its names and errors are the CBOR of texts."""
import fcntl
import json
import mmap
import os
import queue
import signal
import struct
import sys
import threading
import time

CALL, CANCEL, STOP, HELLO, READY, FAILED, RESULT, ERROR, RETURNED = 2, 3, 4, 16, 17, 18, 19, 20, 21

os.environ.pop("PROCPOOL_WORKER")
for fd in (3, 4, 5, 6):
    fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
board = memoryview(mmap.mmap(5, 4096)).cast("Q")
pool = open(3, "rb")
calls = queue.Queue()
canceled = set()
skipped = []  # types of frames
news = threading.Condition()  # of canceled


class Stopped(Exception):
    pass


def cbor(value):
    if isinstance(value, int):
        return bytes((value,))
    if isinstance(value, str):
        text = value.encode()
        return b"\x79" + struct.pack(">H", len(text)) + text
    if isinstance(value, list):
        return bytes((0x80 + len(value),)) + b"".join(map(cbor, value))
    return bytes((0xa0 + len(value),)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def say(kind, seq=0, body=b""):
    frame = memoryview(struct.pack("<IBBHQ", len(body), kind, 0, 0, seq) + body)
    while frame:
        frame = frame[os.write(4, frame):]


def leave():
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def read(n):
    data = pool.read(n)
    if len(data) < n:
        leave()
    return data


def listen():
    while True:
        size, kind, flags, task, seq = struct.unpack("<IBBHQ", read(16))
        if size > (1 << 31 if kind == CALL else 1 << 24):
            leave()
        body = read(size)
        if kind in (CALL, STOP):
            calls.put((kind, flags, task, seq, body))
        elif kind == CANCEL:
            with news:
                canceled.add(seq)
                news.notify()
        else:
            skipped.append(kind)


def echo(value, call):
    return value


def fail(message, call):
    raise ValueError(message)


def sleep(seconds, call):
    seq, until = call
    until = min(until, time.time() + seconds)
    with news:
        news.wait_for(lambda: seq in canceled, until - time.time())
    if seq in canceled or until == call[1]:
        raise Stopped("it was canceled, or its time was over")


def pid(_, call):
    return os.getpid()


def skips(_, call):
    return skipped


TASKS = {"skips": skips, "conform.echo": echo, "conform.fail": fail, "conform.sleep": sleep, "conform.pid": pid}


def split(flags, seq, body):
    """Return the payload, and until when the call may run."""
    at, until = 8, float("inf")
    if flags & 1:
        until = time.time() + struct.unpack_from("<Q", body, at)[0] / 1e9
        at += 8
    if flags & 2:
        until = min(until, struct.unpack_from("<q", body, at)[0] / 1e9)
        at += 8
    at += 4 if flags & 4 else 0
    if flags & 8:
        at += 4 + struct.unpack_from("<I", body, at)[0]
    return body[at:], (seq, until)


def answer(flags, task, seq, body):
    kind = "argument"
    try:
        payload, call = split(flags, seq, body)
        value = json.loads(payload)
        kind = "unknown"
        function = list(TASKS.values())[task]
        kind = "error"
        if seq in canceled:
            raise Stopped("canceled before its turn")
        value = function(*value, call) if flags & 16 else function(value, call)
        kind = "result"
        say(RESULT, seq, json.dumps(value).encode())
    except Exception as e:
        say(ERROR, seq, cbor({"kind": kind, "type": type(e).__name__, "message": str(e)}))


say(HELLO, 0, cbor({"version": 1, "language": "python", "tasks": list(TASKS), "codecs": [sys.argv[1]], "window": 16}))
if b"initializer" in read(struct.unpack("<I4xQ", read(16))[0]):
    say(FAILED, 0, cbor({"kind": "unknown", "message": "it has no initializers"}))
    sys.exit(1)
threading.Thread(target=listen, daemon=True).start()
say(READY)
while True:
    kind, flags, task, seq, body = calls.get()
    if kind == STOP:
        sys.exit(0)
    board[8] = seq
    if seq <= board[16]:
        say(RETURNED, seq)
        continue
    board[9] = seq
    answer(flags, task, seq, body)
