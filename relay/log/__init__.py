"""One structured line for each event, written by a thread of its own.

The event loop only puts a line into a bounded queue: a reader of our standard output that has
stopped reading must not stop the mail. Lines that find no room are counted and said later.
"""

from relay.log.delivery_line import arrival_lines, delivery_line, rejection_line
from relay.log.output import DirectWriter, LineWriter
from relay.log.setup import configure

__all__ = [
    "DirectWriter",
    "LineWriter",
    "arrival_lines",
    "configure",
    "delivery_line",
    "rejection_line",
]
