"""Where the bar at the top leads, and for whom."""

import pytest

from tracker.model import Role
from tracker.permissions import Permission, permissions_of
from web.navigation import MAIN, MORE, Entry, navigation_for
from web.routes import PRIVATE

ENTRIES = [*MAIN, *(entry for _, entries in MORE for entry in entries)]


def words_for(role: Role) -> list[str]:
    bar = navigation_for(permissions_of(role).__contains__, "/", 0)
    return [link.word for link in [*bar.links, *(one for group in bar.more for one in group.links)]]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path)
def test_an_entry_leads_to_a_page_that_the_same_people_may_open(entry: Entry) -> None:
    routes = {route.path: route.needs for route in PRIVATE if route.method == "GET"}
    assert routes[entry.path] is entry.needs


NOT_IN_THE_BAR = {
    "/newer": "the script of the list asks it",
    "/api/v1/explain": "for programs",
    "/acts/new": "asks about a selection of the list, and means nothing without one",
    "/rules/new": "a form that the page of the rules leads to",
}


def test_every_page_is_in_the_bar_or_is_not_for_a_reason() -> None:
    pages = {route.path for route in PRIVATE if route.method == "GET" and "{" not in route.path}
    offered = {entry.path for entry in ENTRIES}
    assert pages - offered == set(NOT_IN_THE_BAR)


def test_no_page_is_offered_twice() -> None:
    assert len({entry.path for entry in ENTRIES}) == len(ENTRIES)


def test_nobody_is_offered_what_they_may_not_open() -> None:
    assert "Accounts" in words_for(Role.ADMIN)
    assert "Accounts" not in words_for(Role.SUPPORT)
    assert "Nodes" in words_for(Role.SUPPORT)
    assert "Nodes" not in words_for(Role.USER)
    assert "Inbox" in words_for(Role.SUPPORT)
    assert "Inbox" not in words_for(Role.DOMAIN_ADMIN)
    assert "Rules" not in words_for(Role.SUPPORT)


@pytest.mark.parametrize(("number", "shown"), [(0, ""), (3, "3"), (99, "99"), (100, "99+")])
def test_only_the_inbox_has_something_unread(number: int, shown: str) -> None:
    bar = navigation_for(frozenset(Permission).__contains__, "/", number)
    assert {link.path: link.unread for link in bar.links} == {
        "/": "",
        "/overview": "",
        "/destinations": "",
        "/queue": "",
        "/inbox": shown,
    }


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", "/"),
        ("/messages/01KJQCTT2KEX5R1CKKP3YSEYJC", "/"),
        ("/queue", "/queue"),
        ("/destinations/example.org", "/destinations"),
        ("/accounts/bob@example.org", "/accounts"),
        ("/queueing", None),
        ("/errands/01KJQCTT2KEX5R1CKKP3YSEYJC", "/probe"),
        ("/acts/01KJQCTT2KEX5R1CKKP3YSEYJC", "/acts"),
        ("/overview", "/overview"),
    ],
)
def test_one_entry_is_where_one_is(path: str, current: str | None) -> None:
    bar = navigation_for(frozenset(Permission).__contains__, path, 0)
    links = [*bar.links, *(link for group in bar.more for link in group.links)]
    assert [link.path for link in links if link.is_current] == ([current] if current else [])
    assert bar.is_in_more == (current in ("/accounts", "/probe", "/acts"))
    gives_way = current in ("/overview", "/destinations")
    assert bar.is_in_what_gives_way == gives_way
