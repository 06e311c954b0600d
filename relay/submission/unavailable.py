"""What a client is told when its message cannot be stored now."""

from tracker.room import is_full


def explain_unavailable(error: BaseException) -> str:
    """Return 452 when some disk is full, whoever noticed it, else 451."""
    if is_full(error):
        return "452 4.3.1 No room for the message now, try again later"
    return "451 4.3.0 The message cannot be stored now, try again later"
