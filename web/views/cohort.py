"""Whether others have met the same, for the page of a message."""

from tracker.model import Recipient, Scope
from tracker.views import Timeline
from web.message.cohort import CohortStory, tell_cohort
from web.message.story import last_attempts
from web.panel import Viewer, Visit


async def cohort_of(
    visit: Visit, viewer: Viewer, timeline: Timeline, recipient: Recipient
) -> CohortStory | None:
    """Return it for the last attempt at `recipient`; None without one, or when it was accepted."""
    last = last_attempts(timeline).get(recipient.id)
    if last is None or not last.is_try:
        return None
    cohort = await visit.panel.ledger.cohort(last, viewer.scope, visit.now)
    if cohort is None:
        return None
    return tell_cohort(cohort, visit.times, sees_all=viewer.scope == Scope())
