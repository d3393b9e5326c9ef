"""The works of the bench with CPython's multiprocessing.Pool: pool.py METHOD PROCESSES.

Reads a line that names a work and its numbers, does it, and answers with a line of numbers.
"""

import multiprocessing
import sys
import time

pools = {}


def noop(n):
    return n


def modify(r):
    r["count"] += 1
    return r


def warm(processes=None):
    """Return a pool that is kept, after its workers have answered."""
    if processes not in pools:
        pools[processes] = context.Pool(processes or default)
        pools[processes].map(noop, range(100 * (processes or default)), chunksize=1)
    return pools[processes]


def rate(n, begin):
    return n / (time.perf_counter() - begin)


def apply(n):
    pool = warm(1)
    begin = time.perf_counter()
    for i in range(n):
        pool.apply(noop, (i,))
    return rate(n, begin)


def async_(n):
    pool = warm()
    begin = time.perf_counter()
    results = [pool.apply_async(noop, (i,)) for i in range(n)]
    for r in results:
        r.get()
    return rate(n, begin)


def map_(n):
    pool, numbers = warm(), list(range(n))
    begin = time.perf_counter()
    pool.map(noop, numbers)
    return rate(n, begin)


def records(n):
    pool = warm()
    rows = [
        dict(id=i, name="Ada Lovelace", active=True, score=0.5, tags=["red", "green"], count=7, level=-3, note="a note of some length")
        for i in range(n)
    ]
    begin = time.perf_counter()
    pool.map(modify, rows)
    return rate(n, begin)


def imap(n):
    pool = warm()
    begin = time.perf_counter()
    for _ in pool.imap(noop, range(n)):
        pass
    return rate(n, begin)


def unordered(n):
    pool = warm()
    begin = time.perf_counter()
    for _ in pool.imap_unordered(noop, range(n)):
        pass
    return rate(n, begin)


def recycle(limit, n):
    with context.Pool(default, maxtasksperchild=limit) as pool:
        pool.map(noop, range(default), chunksize=1)
        begin = time.perf_counter()
        pool.map(noop, range(n), chunksize=1)
        return rate(n, begin)


def start(processes):
    begin = time.perf_counter()
    with context.Pool(processes) as pool:
        pool.map(noop, range(processes), chunksize=1)
        return 1e3 * (time.perf_counter() - begin)


works = {
    "apply": apply, "async": async_, "map": map_, "records": records, "imap": imap, "unordered": unordered,
    "recycle": recycle, "start": start,
}

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    default = int(sys.argv[2])
    for line in iter(sys.stdin.readline, ""):
        name, *numbers = line.split()
        try:
            print(works[name](*map(int, numbers)), flush=True)
        except Exception as e:
            print(f"failed: {e!r}", flush=True)
    for pool in pools.values():
        pool.terminate()
