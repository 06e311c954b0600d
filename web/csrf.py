"""Whether a POST was made by a page of ours (cross-site request forgery).

Two locks: the browser's own word about where a request comes from, and a token that only our
pages know.
"""

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

FIELD = "csrf"
"""Name of the form field that carries the token."""


def is_own_site(headers: Mapping[str, str]) -> bool:
    """Say whether the browser admits that the request comes from a page of this site.

    Sec-Fetch-Site decides where it is sent; else Origin has to name the host that was asked for,
    which an attacker's page cannot choose. Our Referrer-Policy makes browsers without
    Sec-Fetch-Site send "null", which says nothing: then the token decides alone.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("Origin", "null")
    try:
        return origin == "null" or urlsplit(origin).netloc == headers.get("Host")
    except ValueError:
        return False


def is_token(sent: object, expected: str) -> bool:
    """Compare tokens in constant time."""
    return (
        isinstance(sent, str)
        and bool(expected)
        and hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode())
    )
