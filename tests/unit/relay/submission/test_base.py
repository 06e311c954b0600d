"""What aiosmtpd sets up for a connection, we have as well: a new version must not bring more."""

import asyncio

from aiosmtpd.smtp import SMTP

from relay.submission.base import IDENT, PreparedSMTP
from relay.submission.session import RelaySMTP

INHERITED = {
    *("__ident__", "event_handler", "data_size_limit", "enable_SMTPUTF8", "_decode_data"),
    *("tls_context", "require_starttls", "_timeout_duration", "_timeout_handle"),
    *("_tls_handshake_okay", "_tls_protocol", "_original_transport", "session", "envelope"),
    *("transport", "_handler_coroutine", "_auth_require_tls", "_proxy_timeout"),
    *("_auth_callback", "_authenticator", "_auth_required", "_handle_hooks", "_ehlo_hook_ver"),
    "_enforce_call_limit",
}
"""Known and looked at: each is the same for every connection, and nobody changes it in place."""

OWN = {"hostname", "loop"}
"""What each connection has for itself."""

UNUSED = {"_auth_methods", "_smtp_methods", "_strong_reader"}
"""Of the reading loop, AUTH and HELP of the base class, which are not used."""


async def test_nothing_that_the_base_class_sets_is_missing() -> None:
    whole = SMTP(object(), hostname="x", ident=IDENT, enable_SMTPUTF8=True)
    reader = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    assert vars(whole).keys() - vars(reader).keys() == INHERITED | OWN | UNUSED
    prepared = PreparedSMTP("x")
    for name in INHERITED - {"event_handler"} | OWN:
        assert getattr(prepared, name) == getattr(whole, name), name
    assert not any(hasattr(prepared, name) for name in UNUSED)


async def test_each_has_the_name_it_was_given() -> None:
    assert (PreparedSMTP("a").hostname, PreparedSMTP("b").hostname) == ("a", "b")


def test_every_command_of_the_base_class_is_ours() -> None:
    theirs = {name for name in dir(SMTP) if name.startswith("smtp_")}
    ours = {name for kind in RelaySMTP.__mro__ if kind not in SMTP.__mro__ for name in vars(kind)}
    assert theirs - ours == set()
