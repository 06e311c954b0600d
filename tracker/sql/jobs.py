"""The jobs that claimed recipients make."""

from collections.abc import Iterable, Mapping

from tracker.model import Job, LeaseToken, Message, Recipient, Trigger


def jobs_of(
    lease: LeaseToken, messages: Mapping[str, Message], recipients: Iterable[Recipient]
) -> list[Job]:
    """Return a job for all recipients of one message, for one destination, for one reason.

    Jobs come in the order of their first recipients.
    """
    together: dict[tuple[str, str, Trigger], list[Recipient]] = {}
    for recipient in recipients:
        key = (recipient.message_id, recipient.destination, recipient.trigger)
        together.setdefault(key, []).append(recipient)
    return [
        Job(
            lease=lease,
            message=messages[message_id],
            destination=destination,
            recipients=tuple(sorted(each, key=lambda recipient: recipient.id)),
            trigger=trigger,
        )
        for (message_id, destination, trigger), each in together.items()
    ]
