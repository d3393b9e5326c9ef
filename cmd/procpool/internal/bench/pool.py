"""What a task that does nothing costs in multiprocessing.Pool. Arguments: processes, seconds for each figure."""
import json
import multiprocessing
import platform
import sys
import time


def nothing(n):
    return n


def dispatch(pool, seconds, batch):
    """imap with chunksize 1: many tasks under way, each on its own."""
    began = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        for _ in pool.imap(nothing, range(batch)):
            done += 1
    return done / (time.perf_counter() - began)


def trip(pool, seconds):
    began = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        pool.apply(nothing, (done,))
        done += 1
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    processes, seconds = int(sys.argv[1]), float(sys.argv[2])
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        pool.map(nothing, range(processes))
        answer = {"Dispatch": dispatch(pool, seconds, 1000), "Trip": trip(pool, seconds)}
    with context.Pool(processes, maxtasksperchild=1) as pool:
        answer["Recycle"] = dispatch(pool, seconds, 2 * processes)
    answer["Name"] = "CPython %s Pool" % platform.python_version()
    print(json.dumps(answer))
