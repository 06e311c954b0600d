"""SQLite's library as a whole: what is set for a process and not for a connection."""

import ctypes
import sys
from importlib.util import find_spec

_MEMSTATUS = 9
"""SQLITE_CONFIG_MEMSTATUS."""


def stop_counting_memory() -> bool:
    """Have SQLite no longer count the memory that it uses, nobody asks; say whether it does so.

    It takes a lock for each piece that it takes or gives back, and there is one for each value of
    a row that is written: 6 µs for each recipient of a message. SQLite itself advises against
    counting. Python has no way to say so, so its library is asked.

    To be called before the process opens any database: the library starts anew.
    """
    spec = find_spec("_sqlite3")
    if spec is None or not spec.has_location or not sys.platform.startswith("linux"):
        return False  # it is part of the interpreter, or takes arguments otherwise
    try:
        library = ctypes.CDLL(spec.origin)
        shut_down, configure = library.sqlite3_shutdown, library.sqlite3_config
        initialize = library.sqlite3_initialize
    except (OSError, AttributeError):
        return False
    configure.argtypes = [ctypes.c_int, ctypes.c_int]
    if shut_down() != 0:
        return False
    is_done: bool = configure(_MEMSTATUS, 0) == 0
    initialize()
    return is_done
