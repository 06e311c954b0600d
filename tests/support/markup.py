"""The markup of a page, as a browser reads it."""

from html.parser import HTMLParser


class Markup(HTMLParser):
    """The elements and attributes of a page, its addresses and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.shapes: set[str] = set()
        """Each element with the names of its attributes."""
        self.ids: list[str] = []
        self.language = ""
        self.title = ""
        self._in_title = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.shapes.add(f"{tag} {' '.join(sorted(name for name, _ in attrs))}")
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag == "html":
            self.language = dict(attrs).get("lang") or ""
        self._in_title = tag == "title" and "body" not in self.tags

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    @property
    def is_inline(self) -> bool:
        """Whether there is style or script in the page itself."""
        handlers = {name for name in self.attributes if name.startswith("on")}
        return bool(handlers or "style" in self.attributes or "style" in self.tags)
