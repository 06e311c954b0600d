"""What many deliveries together say: is it only this message, and how is mail doing at all?

A *setback* is an attempt that was not delivered, as far as it is counted. Setbacks with the same
answer at the same place are a *cohort*: one trouble, whoever's mail it hit. Pure.
"""

from tracker.insight.answers import (
    CAP,
    Cohort,
    Count,
    Saying,
    Waiting,
)
from tracker.insight.figures import (
    SLOT,
    SPEEDS,
    Dimension,
    Figure,
    Measure,
    slot_start,
    speed_of,
    within,
)
from tracker.insight.setback import Setback, is_ours, normalised, place_of, setback_of
from tracker.insight.trouble import Trouble, TroubleKey, TroubleKind

__all__ = [
    "CAP",
    "SLOT",
    "SPEEDS",
    "Cohort",
    "Count",
    "Dimension",
    "Figure",
    "Measure",
    "Saying",
    "Setback",
    "Trouble",
    "TroubleKey",
    "TroubleKind",
    "Waiting",
    "is_ours",
    "normalised",
    "place_of",
    "setback_of",
    "slot_start",
    "speed_of",
    "within",
]
