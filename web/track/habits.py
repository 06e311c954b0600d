"""What the panel remembers of a person without being asked: outcome, time zone, last searches."""

import contextlib
from collections.abc import Sequence

import msgspec

from tracker.model import Habits
from tracker.store import StoreError
from web.panel import Viewer, Visit
from web.track.form_text import OPENING, Choice, Form
from web.track.listing import Wanted
from web.track.said import CHOICES, conditions
from web.track.saved import Named


def opening_of(habits: Habits) -> Form:
    """Return what the page opens on: today, and the outcome that was chosen last."""
    known = [choice for choice in CHOICES if choice == habits.outcome]
    return OPENING.but(choice=known[0]) if known else OPENING


def is_search(form: Form) -> bool:
    """Say whether something was looked for; outcome and date alone are one click away anyway."""
    return any(conditions(form))


async def remember(
    visit: Visit, viewer: Viewer, wanted: Wanted, habits: Habits, recent: Sequence[Named]
) -> None:
    """Keep what was chosen. A ledger that takes no writing still shows its lists."""
    ledger, address = visit.panel.ledger, viewer.account.address
    params, asked, form = visit.request.query, wanted.asked, wanted.form
    changed = habits
    if "zone" in params:
        changed = msgspec.structs.replace(changed, zone=asked.zone)
    if "q" in params and form.choice is not Choice.WRITTEN and not is_search(form):
        changed = msgspec.structs.replace(changed, outcome=form.choice.value)
    with contextlib.suppress(StoreError):
        if changed != habits:
            await ledger.keep_habits(address, changed)
        if "q" in params and is_search(form) and [one.text for one in recent[:1]] != [asked.text]:
            await ledger.note_search(address, asked.text, visit.now)
