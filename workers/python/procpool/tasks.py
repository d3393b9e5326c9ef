"""What the program offers."""

tasks = {}  # name -> (function, views), in the order of their numbers
initializers = {}
hooks = []


def task(fn=None, *, name=None, views=False):
    """Offer a function as a task, under its own name or the given one.

    It is called with the call's argument; with the arguments if there are several; with nothing if it takes nothing.
    With views=True, byte strings and long arrays of numbers in the argument arrive as memoryviews, without a copy.
    """
    if fn is None:
        return lambda fn: task(fn, name=name, views=views)
    _define(tasks, "task", name or fn.__name__, (_callable(fn), views))
    return fn


def initializer(fn=None, *, name=None):
    """Offer a function to run before the first task. If it returns a function, that one runs before a planned exit."""
    if fn is None:
        return lambda fn: initializer(fn, name=name)
    _define(initializers, "initializer", name or fn.__name__, _callable(fn))
    return fn


def _define(where, what, name, value):
    if name in where:
        raise ValueError("procpool: %s %r is defined twice; give one of them another name" % (what, name))
    where[name] = value


def _callable(fn):
    code = getattr(fn, "__code__", None)
    if code is None or code.co_argcount or code.co_flags & 0x04:  # 0x04: has *args
        return fn
    return lambda *_: fn()


def at_exit(fn):
    """Run fn before a planned exit; the last one given runs first."""
    hooks.append(fn)
    return fn
