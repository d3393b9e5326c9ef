import time

from procpool import current_process  # was: from multiprocessing import current_process


def work(n):
    print("Worker is", current_process().name, "with", n)
    time.sleep(1)
