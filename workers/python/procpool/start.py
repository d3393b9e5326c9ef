"""Starting a program that the pool names."""
import os
import sys

import procpool

from .link import await_bound
from .tasks import task, tasks


def start(form, target, *args):
    """Load what is to be served, and serve it."""
    await_bound()
    sys.argv = [target, *args]
    if form == "--script":
        run_script(target)
    elif form == "--module":
        __import__(target)
    elif form == "--function":
        load_functions(target)
    else:
        sys.exit("procpool: %s: want --script FILE, --module MODULE, or --function FILE.py:NAME or MODULE:NAME" % form)
    procpool.serve()


def run_script(path):
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    with open(path, "rb") as f:
        code = compile(f.read(), path, "exec")
    main = sys.modules["__main__"] = type(sys)("__main__")
    main.__file__ = path
    exec(code, main.__dict__)


def load_functions(target):
    place, _, names = target.rpartition(":")
    if place.endswith(".py"):
        sys.path[0], file = os.path.split(os.path.abspath(place))
        place = file[:-3]
    __import__(place)
    for name in names.split(","):
        if name not in tasks:
            task(getattr(sys.modules[place], name), name=name)
