"""What every answer has in common: headers, weight, form."""

import gzip
import re
from collections.abc import Iterable

import pytest

from tests.support.furnish import furnish_whole
from tests.support.pages import paths
from tests.support.panel import Client, Desk
from web.security import CONTENT_SECURITY_POLICY

HEAVIEST = 60 * 1024
"""Bytes of a page with its style and script, compressed."""

PROGRAMS = ["/healthz", "/readyz", "/metrics", "/handover-key", "/newer", "/api/v1/explain"]


async def all_pages(desk: Desk) -> list[str]:
    return [*PROGRAMS, *paths(await furnish_whole(desk))]


def headers_are_safe(headers: Iterable[tuple[str, str]]) -> bool:
    found = dict(headers)
    return (
        found["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        and found["X-Content-Type-Options"] == "nosniff"
        and found["Referrer-Policy"] == "no-referrer"
        and found["X-Frame-Options"] == "DENY"
        and found["Cache-Control"] == "no-store"
    )


async def test_every_answer_is_protected(desk: Desk, admin: Client) -> None:
    for path in await all_pages(desk):
        response = await admin.get(path, allow_redirects=False)
        assert headers_are_safe(response.headers.items()), path
    stranger = desk.client()
    for method in ("GET", "POST", "DELETE"):
        response = await stranger.request(method, "/queue", allow_redirects=False)
        assert headers_are_safe(response.headers.items()), method


@pytest.mark.parametrize(
    "directive",
    [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ],
)
def test_the_policy_is_strict(directive: str) -> None:
    assert directive in CONTENT_SECURITY_POLICY.split("; ")
    assert "unsafe" not in CONTENT_SECURITY_POLICY


async def test_static_files_are_kept_and_named_by_their_content(desk: Desk) -> None:
    client = desk.client()
    page = await (await client.get("/login")).text()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(files) == 3
    for path in files:
        response = await client.get(path)
        assert response.status == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        assert await plain.read() == await response.read()
    assert (await client.get("/static/panel.000000000000.css")).status == 404
    assert (await client.get("/static/..%2fapp.py")).status == 404


async def test_pages_are_light(desk: Desk, admin: Client) -> None:
    """Also when every row has been tried often."""
    shared = 0
    page = await (await admin.get("/")).text()
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        shared += len(gzip.compress(await (await admin.get(path)).read()))
    for path in await all_pages(desk):
        body = await (await admin.get(path)).read()
        assert shared + len(gzip.compress(body)) <= HEAVIEST, path


async def test_pages_are_compressed(admin: Client) -> None:
    response = await admin.get("/", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "There is no such page"),
        ("DELETE", "/", 405, "That cannot be done here"),
        ("POST", "/login", 403, "That form is no longer valid"),
    ],
)
async def test_error_pages_say_what_to_do(
    desk: Desk, method: str, path: str, status: int, words: str
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    response = await desk.client().request(method, path, headers=headers)
    assert response.status == status
    page = await response.text()
    assert words in page
    assert "Sendtrace</title>" in page


async def test_an_error_page_keeps_the_way_back(desk: Desk, admin: Client) -> None:
    assert 'href="/accounts"' in await (await admin.get("/no/such/page")).text()
    assert 'href="/accounts"' not in await (await desk.client().get("/no/such/page")).text()


async def test_what_answers_get_answers_head(desk: Desk, admin: Client) -> None:
    for path in ("/", "/healthz", "/login"):
        response = await admin.head(path, allow_redirects=False)
        assert response.status in (200, 303)
        assert await response.read() == b""


async def test_the_software_below_is_not_named(admin: Client) -> None:
    assert (await admin.get("/")).headers["Server"] == "Sendtrace"


async def test_a_form_that_is_too_large_is_refused(admin: Client) -> None:
    response = await admin.post("/accounts", data={"address": "a" * 100_000})
    assert response.status == 413
    assert "too much at once" in await response.text()


async def test_the_host_field_is_not_believed(desk: Desk) -> None:
    response = await desk.client().get("/", headers={"Host": "evil.example"}, allow_redirects=False)
    assert response.headers["Location"] == "/login"
    page = await (await desk.client().get("/login", headers={"Host": "evil.example"})).text()
    assert "evil.example" not in page
