"""What every answer of the panel says to browsers: what they may load, frame, keep and tell."""

from typing import Final

from aiohttp import web

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "Sendtrace",
}


def protect(response: web.StreamResponse) -> None:
    """Add the headers to a response; one that says nothing about caching is private.

    HSTS is left to the operator's proxy: it would bind every other port of this host as well.
    """
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")


def local_path(text: str | None) -> str:
    """Return `text` when it is a path of this site, else "/": a log-in must not lead elsewhere.

    Browsers read a backslash as a slash and skip tabs and newlines, so neither is allowed.
    """
    if not text or not text.startswith("/") or text.startswith("//") or len(text) > 2000:
        return "/"
    if "\\" in text or any(ord(character) < 0x21 or ord(character) == 0x7F for character in text):
        return "/"
    return text
