"""Which version of Sendtrace this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def own_version() -> str:
    """Return the version as it was installed; "unknown" when run without being installed."""
    try:
        return version("sendtrace")
    except PackageNotFoundError:
        return "unknown"
