"""Role by route by object, generated: what is outside the scope is the 404 of the unknown."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import pytest
from aiohttp import ClientResponse

from tests.support.mail import MARKER, make_submission
from tests.support.panel import AFTERNOON, Client, Desk, token_for
from tests.web.access_rules import (
    ADDRESSES,
    PUBLIC_RULES,
    RULES,
    SEES,
    SENDERS,
    Rule,
    Seat,
    Whose,
)
from tracker.model import MessageId, Scope
from tracker.views import Timeline
from web.routes import PRIVATE, PUBLIC

UNKNOWN = MessageId("01KJQ9CVD0E00AYKCS3YMYPZGJ")
NAMED = [f"{route.method} {route.path}" for route in PRIVATE]
LINK = re.compile(r'<(?:a [^>]*?href|form [^>]*?action)="(/[^"#?]*)')
METHOD = re.compile(r"^(GET|POST) ")


def test_every_page_is_in_the_matrix() -> None:
    assert set(RULES) == set(NAMED)
    assert set(PUBLIC_RULES) == {f"{route.method} {route.path}" for route in PUBLIC}
    assert len(NAMED) == len(set(NAMED))


class Answer(NamedTuple):
    """All of an answer that somebody can see."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def read(response: ClientResponse) -> Answer:
    """Read an answer whole; nothing of it says when it was given."""
    headers = {name: value for name, value in response.headers.items() if name != "Date"}
    return Answer(response.status, headers, await response.read())


def subject(whose: Whose) -> str:
    return f"Mail {whose.name.lower()} in the matrix"


async def put_mail(desk: Desk) -> dict[Whose, MessageId]:
    """Put mail of everybody on record, which waits."""
    ids = {Whose.UNKNOWN: UNKNOWN}
    for whose, sender in SENDERS.items():
        submission = make_submission(
            reverse_path=sender,
            account=sender,
            now=AFTERNOON,
            subject=subject(whose),
            header_from=f"<{sender}>",
            content=f"Subject: {subject(whose)}\r\nX-Mark: {MARKER}\r\n\r\n{MARKER}\r\n".encode(),
        )
        await desk.ledger.accept(submission, AFTERNOON, None)
        ids[whose] = submission.id
    return ids


async def facts(desk: Desk, ids: Mapping[Whose, MessageId]) -> dict[Whose, Timeline | None]:
    """Return what is on record about each message."""
    return {whose: await desk.ledger.timeline(id_, Scope()) for whose, id_ in ids.items()}


class Visitor:
    """Somebody at the panel who can also ask for what does not exist."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._token = token

    async def ask(self, method: str, path: str, form: Mapping[str, str]) -> Answer:
        """Open a page; a stream is not read to its end."""
        data = {"csrf": self._token, **form} if method == "POST" else None
        async with self._client.request(method, path, data=data, allow_redirects=False) as response:
            if response.content_type == "text/event-stream":
                return Answer(response.status, {}, b"")
            return await read(response)

    async def unknown(self, method: str, path: str) -> Answer:
        """Ask for a page beside `path` that nobody has ever made."""
        beside = "/".join(path.split("/")[:2]).rstrip("/")
        await self.ask("GET", "/no/such/page", {})  # is told what an act before it came to
        return await self.ask(method, f"{beside}/no/such/page", {})


async def sit_down(desk: Desk, seat: Seat) -> Visitor:
    if seat is Seat.NOBODY:
        return Visitor(desk.client(), "")
    client = await desk.log_in(ADDRESSES[seat])
    return Visitor(client, await token_for(client))


def objects(rule: Rule) -> list[Whose | None]:
    return list(Whose) if rule.about_mail else [None]


async def path_for(desk: Desk, name: str, rule: Rule, message: MessageId | None) -> str:
    path = rule.path or name.partition(" ")[2]
    if message is None:
        return path
    timeline = await desk.ledger.timeline(message, Scope())
    one = UNKNOWN if timeline is None else timeline.recipients[0].id
    return path.replace("{id}", message).replace("{one}", one)


@pytest.mark.parametrize("seat", Seat)
@pytest.mark.parametrize("name", NAMED)
async def test_who_gets_what(desk: Desk, seat: Seat, name: str) -> None:
    rule, method = RULES[name], name.partition(" ")[0]
    ids = await put_mail(desk)
    visitor = await sit_down(desk, seat)
    for whose in objects(rule):
        before = await facts(desk, ids)
        path = await path_for(desk, name, rule, None if whose is None else ids[whose])
        unknown = await visitor.unknown(method, path)
        answer = await visitor.ask(method, path, rule.form)
        if seat is Seat.NOBODY and path.startswith("/api/"):
            assert answer.status == 401
        elif seat is Seat.NOBODY:
            assert answer.status == 303
            assert answer.headers["Location"].partition("?")[0] == "/login"
        elif seat in rule.who and (whose is None or whose in SEES[seat]):
            assert answer.status in rule.answers, whose
            assert_nothing_foreign(answer, seat)
            continue
        else:
            assert answer.status == 404
            assert answer == unknown, whose
        assert await facts(desk, ids) == before


def assert_nothing_foreign(answer: Answer, seat: Seat) -> None:
    """No page of whatever kind tells of mail that its viewer does not see, nor any content."""
    text = answer.body.decode(errors="replace")
    assert MARKER not in text
    for whose in SENDERS:
        assert whose in SEES[seat] or subject(whose) not in text


@pytest.mark.parametrize("name", PUBLIC_RULES)
async def test_what_is_open_to_all_tells_nothing_of_mail(desk: Desk, name: str) -> None:
    await put_mail(desk)
    method, _, path = name.partition(" ")
    visitor = await sit_down(desk, Seat.NOBODY)
    answer = await visitor.ask(method, path, {})
    assert answer.status in PUBLIC_RULES[name]
    assert_nothing_foreign(answer, Seat.NOBODY)


def leads_to(path: str) -> list[str]:
    """Return the routes that a link or the action of a form may mean."""
    found = []
    for name in NAMED:
        pattern = re.sub(r"\{\w+\}", "[^/]+", name.partition(" ")[2])
        if re.fullmatch(pattern, path):
            found.append(name)
    return found


@pytest.mark.parametrize("seat", ADDRESSES)
async def test_no_page_offers_what_its_viewer_may_not_do(desk: Desk, seat: Seat) -> None:
    ids = await put_mail(desk)
    visitor = await sit_down(desk, seat)
    seen = [whose for whose in SENDERS if whose in SEES[seat]]
    for name, rule in RULES.items():
        if not name.startswith("GET") or seat not in rule.who:
            continue
        for whose in seen if rule.about_mail else [None]:
            path = await path_for(desk, name, rule, None if whose is None else ids[whose])
            answer = await visitor.ask("GET", path, {})
            for link in LINK.findall(answer.body.decode(errors="replace")):
                served = [one for one in leads_to(link) if seat in RULES[one].who]
                assert served or not leads_to(link), f"{path} leads {seat} to {link}"


async def test_content_is_never_shown(desk: Desk) -> None:
    """Not even to those who see everything: it is not for the panel."""
    client = await desk.log_in()
    for name, rule in RULES.items():
        if not name.startswith("GET"):
            continue
        for message in desk.ids.values() if rule.about_mail else [None]:
            async with client.get(await path_for(desk, name, rule, message)) as response:
                if response.content_type != "text/event-stream":
                    assert MARKER.encode() not in await response.read(), name
