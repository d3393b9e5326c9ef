"""What goes wrong in tasks, and how it is told."""

LONGEST = 1 << 16  # characters of a message, or of a stack, that are sent


class Canceled(BaseException):
    """Raised in a task whose caller has given it up. Like asyncio's, no `except Exception` swallows it."""

    __module__ = "procpool"  # where users find it


class TimedOut(TimeoutError):
    """Raised in a task whose time is over."""

    __module__ = "procpool"


# The names under which Go knows them for errors.Is.
_SENTINELS = ((Canceled, "context.Canceled"), (TimedOut, "context.DeadlineExceeded"))


def describe(kind, e):
    """Make the body of an error frame."""
    import traceback  # costs a new worker 10 ms, and most never need it
    t = type(e)
    name = t.__qualname__ if t.__module__ == "builtins" else t.__module__ + "." + t.__qualname__
    try:
        message = str(e)
    except Exception:
        message = "(its __str__ failed)"
    inside = e.__traceback__ and e.__traceback__.tb_next  # the first frame is the worker's own
    stack = "".join(traceback.format_exception(t, e, inside))
    error = {"kind": kind, "type": name, "message": _clean(message[:LONGEST]), "stack": _clean(stack[-LONGEST:])}
    sentinels = [name for of, name in _SENTINELS if isinstance(e, of)]
    if sentinels:
        error["sentinels"] = sentinels
    return error


def _clean(s):
    return s.encode("utf-8", "backslashreplace").decode()

