"""Measures one cell with multiprocessing.Pool: method, start, limit, load, time, task time, patience; prints figures as JSON."""
import json
import multiprocessing
import os
import sys
import threading
import time


def main():
    method, start, limit, load, seconds, task, patience = sys.argv[1:]
    start, limit, load, seconds, task, patience = float(start), int(limit), int(load), float(seconds), float(task), float(patience)
    context = multiprocessing.get_context(method)
    with context.Pool(1, time.sleep, (start,), limit or None) as pool:
        pool.apply(time.sleep, (0,))
        took, under_way, begin, lock = [], {}, time.monotonic(), threading.Lock()

        def one():
            t, key = time.monotonic(), object()
            with lock:
                under_way[key] = t
            pool.apply(time.sleep, (task,))
            with lock:
                del under_way[key]
                took.append(time.monotonic() - t)

        def caller():
            while time.monotonic() - begin < seconds:
                one()

        def run(target):
            threads.append(threading.Thread(target=target, daemon=True))
            threads[-1].start()

        threads = []
        if load == 100:
            run(caller)
            run(caller)
            for t in threads:
                t.join()
        else:
            due = begin
            while time.monotonic() - begin < seconds:
                due += task * 100 / load
                time.sleep(max(0, due - time.monotonic()))
                run(one)
            end = begin + seconds + patience
            for t in threads:
                t.join(max(0, end - time.monotonic()))
        with lock:
            now = time.monotonic()
            rate = len(took) / (now - begin)
            undone = [now - t for t in under_way.values()]
            all = sorted(took + undone)
            n = len(all)
            figures = {"Rate": rate, "P50": all[n // 2], "P99": all[n * 99 // 100], "Least": len(undone) > n // 100}
            json.dump(figures, sys.stdout)
            sys.stdout.flush()
        watchdog = threading.Timer(5, os._exit, (0,))  # a pool that is ended with tasks under way may hang
        watchdog.daemon = True
        watchdog.start()


if __name__ == "__main__":
    main()
