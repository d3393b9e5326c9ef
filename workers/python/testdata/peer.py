"""CPython's own pool, for the benchmarks: peer.py METHOD TASKS_PER_CHILD. Each line on stdin is a number of tasks to
run, each answer the seconds they took."""
import multiprocessing
import sys
import time


def noop(n):
    return None


def once(pool, n):
    begin = time.perf_counter()
    for r in [pool.apply_async(noop, (i,)) for i in range(n)]:
        r.get()
    return time.perf_counter() - begin


if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2, maxtasksperchild=int(sys.argv[2]) or None) as pool:
        once(pool, 2)
        for line in sys.stdin:
            print(once(pool, int(line)), flush=True)
