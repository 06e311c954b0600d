"""A node that says "send me nothing new": a marker in its state directory.

The command that sets it and the panel that tells it to load balancers are different processes,
and what they share on a machine is that directory. The next start takes the marker away.
"""

from pathlib import Path
from typing import Final

_MARKER: Final = "draining"


def begin_draining(state_directory: Path) -> None:
    """Set the marker. Raises OSError."""
    (state_directory / _MARKER).touch(mode=0o600)


def end_draining(state_directory: Path) -> None:
    """Take the marker away, if it is there. Raises OSError."""
    (state_directory / _MARKER).unlink(missing_ok=True)


def is_draining(state_directory: Path) -> bool:
    """Say whether the marker is set; a directory that cannot be read has none."""
    try:
        return (state_directory / _MARKER).exists()
    except OSError:
        return False
