"""What every page has in common: headers, hostile text, weight, form."""

import gzip
import re
from collections.abc import Iterable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from tests.support.hostile import HOSTILE
from tests.support.mail import make_attempt, make_settlement, make_submission
from tests.support.panel import Client, Desk
from tracker.model import MessageId, Outcome, Reply, Scope, Status
from tracker.returns import Returned, write_return
from web.security import CONTENT_SECURITY_POLICY

HEAVIEST = 60 * 1024
"""Bytes of a page with its style and script, compressed."""

PAGES = [
    "/",
    "/?outcome=all&range=kept",
    "/?q=colour:red",
    "/?to=nobody",
    "/?q=",
    "/help",
    "/searches",
    "/queue",
    "/refused",
    "/destinations",
    "/destinations/greycastle.example",
    "/overview",
    "/overview?range=30d",
    "/inbox",
    "/nodes",
    "/balance",
    "/access",
    "/privacy",
    "/access?whose=all",
    "/accounts",
    "/explain",
    "/rules",
    "/rules/new",
    "/rules/new?preview=1&words=no+such&category=policy-refused",
    "/explain?reply=550+5.1.1+No+such+user",
    "/explain?reply=hello",
    "/api/v1/explain",
    "/accounts/anna@northwind.example",
    "/accounts/anna@northwind.example/remove",
    "/messages/nope",
    "/no/such/page",
    "/login",
    "/healthz",
    "/readyz",
    "/metrics",
]


async def all_pages(desk: Desk) -> list[str]:
    messages = [desk.path_of(subject) for subject in desk.ids]
    return [*PAGES, *messages]


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


# --- hostile text ------------------------------------------------------------------------------


class Markup(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


async def record_hostile(desk: Desk, text: str, *, is_held: bool = False) -> MessageId:
    """Put `text` into every field that comes over a network."""
    at = desk.clock.now() - timedelta(minutes=1)
    lease = await desk.ledger.open_lease("mail-1", 0, at, timedelta(days=1))
    submission = make_submission(
        f"{text[:60]}@example.org",
        reverse_path=f"{text[:60]}@example.com",
        account="anna@northwind.example",
        now=at,
        subject=text,
        message_id=text,
        header_from=text,
        destinations=[text[:200]],
    )
    client = replace(submission.client, helo=text, tls=text)
    submission = replace(submission, client=client)
    (job,) = (await desk.ledger.accept(submission, at, lease.token)).jobs
    settlement = make_settlement(job, Outcome.DEFERRED, now=at)
    said = Reply(code=451, lines=(text, text))
    attempt = make_attempt(
        job.recipients[0], Outcome.DEFERRED, now=at, reply=said, host=text, remote_queue_id=text
    )
    await desk.ledger.settle(replace(settlement, attempts=(attempt,)))
    told = Returned(
        reporting_mta=text,
        final_recipient=text,
        status=text,
        diagnostic=f"smtp; 550 {text}\n{text}",
    )
    assert await desk.ledger.record_return(
        job.message.id, job.recipients[0].id, write_return(told), at
    )
    if is_held:
        await desk.ledger.change_status(
            [job.recipients[0].id],
            Status.HELD,
            scope=Scope(),
            actor=text,
            reason=text,
            now=desk.clock.now(),
        )
    return job.message.id


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_stays_text(empty_desk: Desk, text: str) -> None:
    harmless = await record_hostile(empty_desk, "harmless")
    client = await empty_desk.log_in()
    paths = ["/?outcome=all", "/queue", "/destinations", "/overview", "/inbox", "/nodes"]
    paths.append(f"/messages/{harmless}")
    expected = [Markup(await (await client.get(path)).text()) for path in paths]

    timeline = await empty_desk.ledger.timeline(harmless, Scope())
    assert timeline is not None
    await empty_desk.ledger.change_status(
        [timeline.recipients[0].id],
        Status.CANCELLED,
        scope=Scope(),
        actor=text,
        reason=text,
        now=empty_desk.clock.now(),
    )
    hostile = await record_hostile(empty_desk, text)
    paths[-1] = f"/messages/{hostile}"
    for path, before in zip(paths, expected, strict=True):
        page = await (await client.get(path)).text()
        found = Markup(page)
        assert set(found.tags) <= set(before.tags) | {"li", "h3"}, path
        assert found.tags.count("script") == before.tags.count("script"), path
        assert not {name for name in found.attributes if name.startswith("on")}, path
        assert not [link for link in found.links if link.startswith("javascript")], path
        for hidden in "\x00\x07\x1b\u202e\u200b\ufeff":
            assert hidden not in page, path


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_searches_are_searches(anna: Client, text: str) -> None:
    for name in ("q", "to", "from", "until", "zone", "outcome", "range", "before", "open"):
        response = await anna.get("/", params={name: text})
        assert response.status in (200, 400), name
        page = await response.text()
        assert Markup(page).tags.count("script") == 1, name
