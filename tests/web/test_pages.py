"""What holds for every page there is, as it comes over the wire."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from pathlib import Path

import pytest

from tests.support.furnish import furnish, furnish_whole
from tests.support.hostile import HOSTILE
from tests.support.markup import Markup
from tests.support.pages import FILES, TEMPLATES, VISITS, fields_of, paths
from tests.support.panel import Client, Desk, open_desk
from web.routes import PRIVATE, PUBLIC

LOCAL = re.compile(r"(/(?!/)|#|\?|$)")
HARMLESS = [f"550 5.1.1 harmless {n}\nand more" for n in range(8)] + ["to:bob@example.org"]
"""Enough of them that a list has a second page."""
TOGETHER = 8
"""Hostile texts that are on record at a time: one page of a list."""
NOT_A_PAGE = {"/messages/nope": 404, "/inbox/nope": 404, "/no/such/page": 404}
MISTAKES = {
    "/?q=colour:red",
    "/acts/new?act=hold&all=1&q=status:nonsense",
    "/refused?q=status:held",
}


def test_no_page_is_forgotten() -> None:
    routes = {route.path for route in PUBLIC if route.method == "GET"}
    routes |= {route.path for route in PRIVATE if route.method == "GET"}
    assert routes - FILES == VISITS.keys() - {"no route"}
    assert routes >= FILES


async def test_every_page_has_its_frame(desk: Desk, admin: Client) -> None:
    names = await furnish_whole(desk)
    assert {field for one in TEMPLATES for field in fields_of(one)} <= names.keys()
    titles: dict[str, str] = {}
    for path in paths(names):
        client = desk.client() if path.startswith("/login") else admin
        response = await client.get(path)
        page = await response.text()
        expected = 400 if path in MISTAKES else NOT_A_PAGE.get(path, 200)
        assert response.status == expected, path
        found = Markup(page)
        assert found.language == "en", path
        assert found.title.endswith(" · Sendtrace"), path
        assert found.title.strip() != "· Sendtrace", path
        assert found.tags.count("h1") == 1, path
        assert found.tags.count("main") == 1, path
        assert found.tags.count("script") == 1, path
        assert sorted(found.ids) == sorted(set(found.ids)), path
        assert not found.is_inline, path
        assert [link for link in found.links if not LOCAL.match(link)] == [], path
        titles.setdefault(found.title, path.partition("?")[0].rpartition("/")[0])
    assert len(titles) > len(VISITS) / 2, "a title says which page it is"


async def look(desk: Desk, client: Client, paths: Iterable[str]) -> dict[str, Markup]:
    """Return every page, by where it is."""
    pages, stranger = {}, desk.client()
    for path in paths:
        response = await (stranger if path.startswith("/login") else client).get(path)
        assert response.status in (200, 400, 404), path
        page = await response.text()
        for hidden in "\x00\x07\x1b\u202e\u2067\u200b\ufeff\U000e0061":
            assert hidden not in page, path
        pages[path] = Markup(page)
    return pages


def paths_of(texts: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the pages of each text, and once those that show all of them."""
    return list(dict.fromkeys(path for names in texts for path in paths(names)))


async def look_at(folder: Path, texts: Iterable[str]) -> dict[str, Markup]:
    """Return every page of a panel on whose record these texts are."""
    async with open_desk(folder) as desk:
        client = await desk.log_in()
        return await look(desk, client, paths_of([await furnish(desk, text) for text in texts]))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the elements that pages with harmless texts consist of."""
    pages = asyncio.run(look_at(tmp_path_factory.mktemp("harmless"), HARMLESS))
    return {shape for one in pages.values() for shape in one.shapes}


@pytest.mark.parametrize("first", range(0, len(HOSTILE), TOGETHER))
def test_hostile_text_stays_text(tmp_path: Path, known: set[str], first: int) -> None:
    """A page with it consists of the same elements as one with harmless text."""
    texts = list(HOSTILE.values())[first : first + TOGETHER]
    for path, found in asyncio.run(look_at(tmp_path, texts)).items():
        assert found.shapes - known == set(), path
        assert found.tags.count("script") == 1, path
        assert found.tags.count("h1") == 1, path
        assert not found.is_inline, path
        assert [link for link in found.links if not LOCAL.match(link)] == [], path


async def test_what_looks_like_a_template_is_only_shown(empty_desk: Desk) -> None:
    text = HOSTILE["template"]
    names = await furnish(empty_desk, text)
    client = await empty_desk.log_in()
    for path in ("/", "/messages/{message}", "/acts", "/suppressions", "/searches", "/rules"):
        page = unescape(await (await client.get(path.format_map(names))).text())
        assert "{{ 7 * 7 }}" in page, path


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_searches_are_searches(anna: Client, text: str) -> None:
    for name in ("q", "to", "from", "until", "zone", "outcome", "range", "before", "open"):
        response = await anna.get("/", params={name: text})
        assert response.status in (200, 400), name
        page = await response.text()
        assert Markup(page).tags.count("script") == 1, name
