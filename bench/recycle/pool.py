"""Measures one cell with multiprocessing.Pool: method, start, limit, load, time, task time; prints figures as JSON."""
import json
import multiprocessing
import sys
import threading
import time


def main():
    method, start, limit, load, seconds, task = sys.argv[1:]
    start, limit, load, seconds, task = float(start), int(limit), int(load), float(seconds), float(task)
    context = multiprocessing.get_context(method)
    with context.Pool(1, time.sleep, (start,), limit or None) as pool:
        pool.apply(time.sleep, (0,))
        took, begin, lock = [], time.monotonic(), threading.Lock()

        def one():
            t = time.monotonic()
            pool.apply(time.sleep, (task,))
            with lock:
                took.append(time.monotonic() - t)

        def caller():
            while time.monotonic() - begin < seconds:
                one()

        if load == 100:
            threads = [threading.Thread(target=caller) for _ in range(2)]
            for t in threads:
                t.start()
        else:
            threads, due = [], begin
            while time.monotonic() - begin < seconds:
                due += task * 100 / load
                time.sleep(max(0, due - time.monotonic()))
                threads.append(threading.Thread(target=one))
                threads[-1].start()
        for t in threads:
            t.join()
        rate = len(took) / (time.monotonic() - begin)
    took.sort()
    n = len(took)
    json.dump({"Rate": rate, "P50": took[n // 2], "P99": took[min(n - 1, n * 99 // 100)]}, sys.stdout)


if __name__ == "__main__":
    main()
