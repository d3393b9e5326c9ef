"""How frames come in while tasks run."""
import _thread
import faulthandler
import mmap
import os
import select
import signal
import sys
import time
from collections import deque

from .cbor import loads
from .errors import Canceled, TimedOut
from .frames import (BOARD, CALL, CANCEL, DUMP, DUMPED, IN, LEAVING, LIFELINE, MAX_BODY, MAX_CONTROL, OUT, SETUP, STOP,
                     pack_header, read_header, write_all)

CHUNK = 1 << 16
TICK = 0.005  # a task that runs longer than this, or twice this, is attended


class Link:
    """The pool's end of this process. Two threads share it: the main one runs the tasks, the other watches."""

    def __init__(self):
        for fd in (IN, OUT, BOARD, LIFELINE):
            os.set_inheritable(fd, False)
        os.set_blocking(IN, True)
        os.set_blocking(OUT, True)
        self.board = memoryview(mmap.mmap(BOARD, 4096)).cast("Q")
        self.main = _thread.get_ident()
        self.setup = None
        self.names = []
        self.retiring = self.started = 0
        # Of the thread that holds reader: where incoming bytes become calls.
        self.reader = _thread.allocate_lock()
        self.part, self.big, self.filled = b"", None, 0
        self.calls = deque()  # (flags, task, seq, body); seq 0: stop
        # Written by the main thread, read by the watching one.
        self.seq = 0  # the last call that was begun
        self.live = 0  # the call whose function runs now and may be interrupted
        self.now = None
        self.until = None  # (seq, monotonic time when it is over)
        # Written by both.
        self.canceled = set()  # calls that are not begun, or live
        self.told = (0, None)  # call, and what to raise in it
        self.deaf = False  # the watching thread notices a new call only when nudged
        self.ear, self.nudge = os.pipe()
        # The watching thread holds mouth while it dumps, so that no answer comes between.
        self.mouth = _thread.allocate_lock()
        self.dumping = False

    # Receiving. Whoever holds reader may call these.

    def receive(self):
        """Wait for bytes, and take them in."""
        if self.big is None:
            data = os.read(IN, CHUNK)
            if not data:
                leave()
            return self.feed(self.part + data if self.part else data)
        n = os.readv(IN, [self.big[self.filled:]])
        if n == 0:
            leave()
        self.filled += n
        if self.filled == len(self.big):
            data, self.big = self.big, None
            self.feed(data)

    def feed(self, data):
        at, end = 0, len(data)
        while end - at >= 16:
            size, kind, flags, number, seq = read_header(data, at)
            after = at + 16 + size
            if after > end:
                if size > (MAX_BODY if kind == CALL else MAX_CONTROL):
                    leave()
                if size >= CHUNK:  # read the rest to where it stays
                    self.big, self.filled = memoryview(bytearray(16 + size)), end - at
                    self.big[:end - at] = data[at:]
                    at = end
                break
            if kind == CALL:
                self.calls.append((flags, number, seq, data[at + 16:after]))
            elif kind == CANCEL:
                self.cancel(seq)
            elif kind == STOP:
                self.calls.append((0, 0, 0, b""))
            elif kind == DUMP:
                self.dump(seq)
            elif kind == SETUP:
                self.setup = loads(data[at + 16:after])
            at = after
        self.part = data[at:]

    def cancel(self, seq):
        self.canceled.add(seq)
        if seq == self.live:
            self.interrupt(seq, Canceled)
        elif seq <= self.seq:  # answered already
            self.canceled.discard(seq)

    def dump(self, seq):
        """Tell what every thread does, if the call still runs. The main thread answers it once live is 0 and nobody dumps."""
        with self.mouth:
            self.dumping = True
            if seq and seq == self.live:
                text = stacks()
                write_all([pack_header(len(text), DUMPED, 0, 0, seq), text])
            self.dumping = False

    def retire(self):
        """Have the answers ask for a successor, and let it start while the task still runs."""
        announce = not self.retiring and self.live > 0 and _thread.get_ident() == self.main
        self.retiring = 1
        if announce:
            with self.mouth:
                write_all([pack_header(0, LEAVING, 0, 0, self.seq)])

    def interrupt(self, seq, why):
        # A signal, since it also ends a sleep or a wait of the main thread; this one, since whoever gets it
        # unprepared ignores it.
        self.told = (seq, why)
        signal.pthread_kill(self.main, signal.SIGURG)

    def on_signal(self, *_):
        seq, why = self.told
        if seq and seq == self.live:
            self.told = (0, None)
            raise why()

    # The watching thread.

    def watch(self):
        """Read what the pool says while a long task keeps the main thread from it.

        Short tasks must not pay for this, so the main thread reads for itself between tasks, and this one only looks
        at each tick whether the same task still runs. When nothing runs, it sleeps until it is nudged.
        """
        ear, both = select.poll(), select.poll()
        ear.register(self.ear, select.POLLIN)
        both.register(self.ear, select.POLLIN)
        both.register(IN, select.POLLIN)
        seen = 0
        while True:
            self.listen(ear, TICK)
            if self.live and self.live == seen:
                self.attend(both, seen)
            elif not self.live and self.seq == seen:
                self.deaf = True
                if self.seq == seen:
                    self.listen(ear, None)
                self.deaf = False
            seen = self.seq

    def attend(self, both, seq):
        if not self.reader.acquire(False):
            return
        timed_out = False
        self.deaf = True
        while self.seq == seq and self.live:
            left, until = None, self.until
            if until and until[0] == seq and not timed_out:
                left = max(0, until[1] - time.monotonic())
                timed_out = left == 0
                if timed_out:
                    self.interrupt(seq, TimedOut)
                    continue
            if IN in self.listen(both, left):
                self.receive()
        self.deaf = False
        self.reader.release()

    def listen(self, poll, seconds):
        ready = [fd for fd, _ in poll.poll(None if seconds is None else seconds * 1000 + 1)]
        if self.ear in ready:
            os.read(self.ear, 64)
        return ready


def stacks():
    out, into = os.pipe()
    os.set_blocking(into, False)  # what it does not hold is cut off
    faulthandler.dump_traceback(file=into)
    os.close(into)
    text = os.read(out, CHUNK)
    os.close(out)
    return text


def await_bound():
    """Wait until the kernel ends this worker with its pool; on Linux, where it does. What it starts before that may
    outlive the pool."""
    if sys.platform != "linux":
        return
    from fcntl import F_GETFL, F_GETOWN, FASYNC, fcntl
    try:
        while fcntl(LIFELINE, F_GETFL) & FASYNC and not fcntl(LIFELINE, F_GETOWN):
            # Nothing tells of the binding, only of the pool's end; it is a matter of microseconds.
            if select.select([LIFELINE], [], [], 0.001)[0]:
                leave()
    except OSError:  # a group's number is negative, which looks like an error; or there is no lifeline
        pass


def leave():
    """The pool is gone, or has let go, or is not understood: nothing that this worker started may outlive it."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
