"""What a request is as a look at other people's mail."""

import pytest
from multidict import MultiDict

from tracker.model import AccessKind
from web.access import kind_of, page_of


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", AccessKind.LIST),
        ("GET", "/queue", AccessKind.LIST),
        ("GET", "/messages/01A", AccessKind.MESSAGE),
        ("GET", "/messages/01A/live", AccessKind.MESSAGE),
        ("POST", "/messages/01A/retry", AccessKind.ACT),
        ("POST", "/acts", AccessKind.ACT),
        ("GET", "/export", AccessKind.EXPORT),
        ("GET", "/list.csv", AccessKind.EXPORT),
    ],
)
def test_kinds(method: str, path: str, kind: AccessKind) -> None:
    assert kind_of(method, path) is kind


@pytest.mark.parametrize(
    ("kind", "path", "query", "page"),
    [
        (AccessKind.LIST, "/", {}, "/"),
        (AccessKind.LIST, "/", {"q": "to:bob", "zone": "UTC", "before": "01A"}, "/?q=to:bob"),
        (AccessKind.LIST, "/", {"q": ""}, "/"),
        (AccessKind.MESSAGE, "/messages/01A", {"recipient": "01B"}, "/messages/01A"),
        (AccessKind.MESSAGE, "/messages/01A/live", {}, "/messages/01A"),
        (AccessKind.ACT, "/messages/01A/retry", {"x": "y"}, "/messages/01A/retry"),
    ],
)
def test_pages(kind: AccessKind, path: str, query: dict[str, str], page: str) -> None:
    assert page_of(kind, path, MultiDict(query)) == page
