"""Where the bar at the top leads, and for whom."""

import pytest

from tracker.model import Role
from tracker.permissions import Permission, permissions_of
from web.navigation import MAIN, MORE, Entry, navigation_for
from web.routes import PRIVATE

ENTRIES = [*MAIN, *(entry for _, entries in MORE for entry in entries)]


def words_for(role: Role) -> list[str]:
    bar = navigation_for(permissions_of(role).__contains__, "/")
    return [link.word for link in [*bar.links, *(one for group in bar.more for one in group.links)]]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path)
def test_an_entry_leads_to_a_page_that_the_same_people_may_open(entry: Entry) -> None:
    routes = {route.path: route.needs for route in PRIVATE if route.method == "GET"}
    assert routes[entry.path] is entry.needs


def test_no_page_is_offered_twice() -> None:
    assert len({entry.path for entry in ENTRIES}) == len(ENTRIES)


def test_nobody_is_offered_what_they_may_not_open() -> None:
    assert "Accounts" in words_for(Role.ADMIN)
    assert "Accounts" not in words_for(Role.SUPPORT)
    assert "Nodes" in words_for(Role.SUPPORT)
    assert "Nodes" not in words_for(Role.USER)


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", "/"),
        ("/messages/01KJQCTT2KEX5R1CKKP3YSEYJC", "/"),
        ("/queue", "/queue"),
        ("/destinations/example.org", "/destinations"),
        ("/accounts/bob@example.org", "/accounts"),
        ("/queueing", None),
    ],
)
def test_one_entry_is_where_one_is(path: str, current: str | None) -> None:
    bar = navigation_for(frozenset(Permission).__contains__, path)
    links = [*bar.links, *(link for group in bar.more for link in group.links)]
    assert [link.path for link in links if link.is_current] == ([current] if current else [])
    assert bar.is_in_more == (current == "/accounts")
