"""The panel as a browser without scripts sees it: HTML over HTTP with cookies."""

import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar

from tests.support.service import Service

ADDRESS = "admin@sender.test"
PASSWORD = "correct horse battery staple"


class _Form(HTMLParser):
    """Collects the hidden fields of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes["name"] or ""] = attributes.get("value") or ""


class _Text(HTMLParser):
    """Collects what a page says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


class Panel:
    """One browser."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    @classmethod
    def log_in(cls, url: str, address: str, password: str) -> "Panel":
        """Return a browser that has logged in."""
        panel = cls(url)
        form = _Form(panel._open("/login")).hidden
        panel._open("/login", {**form, "address": address, "password": password})
        return panel

    @classmethod
    def log_in_as_admin(cls, relay: Service) -> "Panel":
        """Return a browser in which an administrator has logged in, who is made when missing."""
        if ADDRESS not in relay.run("account", "list"):
            add = ("account", "add", ADDRESS, "--role", "admin", "--password-stdin")
            relay.run(*add, stdin=f"{PASSWORD}\n")
        return cls.log_in(relay.panel, ADDRESS, PASSWORD)

    def at(self, url: str) -> "Panel":
        """Return the same browser, with its session, at the panel of another node."""
        panel = Panel(url)
        panel._opener = self._opener
        return panel

    def get(self, path: str, **query: str) -> str:
        """Return the source of a page, its text unescaped and joined at the end."""
        page = self._open(f"{path}?{urllib.parse.urlencode(query)}" if query else path)
        return page + "\n" + " ".join(" ".join(_Text(page).words).split())

    def _open(self, path: str, form: dict[str, str] | None = None) -> str:
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        with self._opener.open(self._url + path, data, timeout=30) as answer:
            return str(answer.read().decode("utf-8"))
