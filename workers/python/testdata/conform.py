"""The tasks that the conformance test asks for."""
import os
import subprocess
import time

import procpool

kept = None


@procpool.task(name="conform.echo")
def echo(value):
    return value


@procpool.task(name="conform.fail")
def fail(message):
    raise ValueError(message)


@procpool.task(name="conform.sleep")
def sleep(seconds):
    time.sleep(seconds)


@procpool.task(name="conform.pid")
def pid():
    return os.getpid()


@procpool.task(name="conform.print")
def show(text):
    print(text)


@procpool.task(name="conform.retire")
def leave():
    procpool.retire()


@procpool.task(name="conform.shell")
def shell(command):
    return subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, check=True).stdout.decode()


@procpool.initializer(name="conform.keep")
def keep(value):
    global kept
    kept = value


@procpool.task(name="conform.keep")
def get_kept(_):
    return kept


procpool.serve()
