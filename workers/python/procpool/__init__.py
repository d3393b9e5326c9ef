"""Python functions as tasks of a Go process pool.

    import procpool

    @procpool.task
    def square(x):
        return x * x

    procpool.serve()

A worker runs one task at a time, in its main thread. docs/protocol.md says what the bytes mean.
"""
import os

from .cbor import loads
from .errors import Canceled, TimedOut
from .frames import fields
from .tasks import at_exit, initializer, task
from .worker import Worker

__all__ = ["task", "initializer", "at_exit", "retire", "current_task", "current_worker", "current_process", "serve",
           "Canceled", "TimedOut"]


class TaskInfo:
    """What a task may know about itself: id, name, attempt (1 for the first), metadata."""

    def __init__(self, id, name, attempt, metadata):
        self.id, self.name, self.attempt, self.metadata = id, name, attempt, metadata


class WorkerInfo:
    """What a task may know about its worker: name, pid, and how many tasks it started, this one included."""

    def __init__(self, name, pid, tasks):
        self.name, self.pid, self.tasks = name, pid, tasks


def retire():
    """Ask the pool to replace this worker after the task that runs now."""
    _inside().retire()


def current_task():
    """Tell the task that runs now about itself; None between tasks."""
    worker = _inside()
    if worker.live <= 0:
        return None
    flags, number, body = worker.now
    id, _, _, attempt, metadata, _ = fields(flags, body)
    return TaskInfo(id, worker.names[number], attempt, loads(metadata) if metadata else {})


def current_worker():
    """Tell a task about its worker."""
    worker = _inside()
    return WorkerInfo(worker.setup["name"], os.getpid(), worker.started)


def current_process():
    """Stand in for multiprocessing's function of this name: what a task wants from it is the name and the pid."""
    return current_worker()


def serve():
    """Serve what was defined, until the pool lets the worker go. It does not return."""
    _inside().serve()


def _inside():
    if _worker is None:
        raise RuntimeError("procpool: this program was not started by a pool")
    return _worker


# The marker goes at once, so that no program started from here takes itself for a worker.
_worker = Worker() if os.environ.pop("PROCPOOL_WORKER", None) else None
