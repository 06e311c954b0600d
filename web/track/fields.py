"""What the form of a list shows, whatever it is a list of."""

from web.panel import Visit
from web.track.filters import Asked, oldest_kept, zones
from web.track.form_text import Form, Period
from web.track.said import PERIODS
from web.track.submitted import LONGEST_TEXT


def fields(visit: Visit, asked: Asked, form: Form) -> dict[str, object]:
    """Return what the box and the fields show, and what may be chosen in them."""
    retention = visit.panel.settings.tracking.retention
    periods = dict(PERIODS)
    if form.period is Period.WRITTEN:
        periods[form.period] = "As written in the search"
    return {
        "asked": asked,
        "form": form,
        "periods": periods,
        "zones": zones(),
        "longest": LONGEST_TEXT,
        "retention": retention,
        "oldest": visit.times.local(oldest_kept(visit.times, retention)).date(),
    }
