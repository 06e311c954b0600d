"""What a client is told when its message cannot be stored now."""

import errno

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def explain_unavailable(error: BaseException) -> str:
    """Return 452 when some disk is full, whoever noticed it, else 451."""
    if any(map(_is_full, _with_causes(error))):
        return "452 4.3.1 No room for the message now, try again later"
    return "451 4.3.0 The message cannot be stored now, try again later"


def _is_full(error: BaseException) -> bool:
    return (
        (isinstance(error, OSError) and error.errno in _FULL)
        or getattr(error, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(error, "sqlstate", None) == "53100"
    )


def _with_causes(error: BaseException) -> list[BaseException]:
    """Return an error and what caused it; drivers that raise one object twice make circles."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and not any(cause is each for each in chain):
        chain.append(cause)
        cause = cause.__cause__
    return chain
