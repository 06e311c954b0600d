"""Where in a TOML file each key is written, so that a problem can say where to look. Pure.

tomllib does not tell. This reads headers and keys and steps over values; text that it does not
understand costs a line number and nothing else.
"""

import re
from collections import Counter
from typing import Final

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_NAME: Final = r"""(?:[\w-]+|"[^"\\]*"|'[^']*')"""
_KEY: Final = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_OPENING: Final = ("[", "{")
_CLOSING: Final = ("]", "}")
_TOKEN: Final = re.compile(
    r'''"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]''',
)


class Lines:
    """The lines of a TOML text by dotted keys; tables of an array are `routes[0]`."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        self._tables: Counter[str] = Counter()
        self._depth = 0
        self._open = ""
        """The quotation mark of a text that goes on in the next line."""
        table = ""
        for number, line in enumerate(text.split("\n"), start=1):
            if not self._depth and not self._open:
                table = self._read(line, number, table)
            self._step_over(line)

    def of(self, key: str) -> int | None:
        """Return the line of `key`, or of what it is in; None when neither is written."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return None

    def _read(self, line: str, number: int, table: str) -> str:
        """Note the key or header of a line; return the table that the next line is in."""
        if (header := _HEADER.match(line)) is not None:
            table = _plain(header[2])
            if header[1] == "[[":
                self._tables[table] += 1
                table = f"{table}[{self._tables[table] - 1}]"
            self._lines.setdefault(table, number)
        elif (key := _KEY.match(line)) is not None:
            name = _plain(key[1])
            self._lines.setdefault(f"{table}.{name}" if table else name, number)
        return table

    def _step_over(self, line: str) -> None:
        """Follow brackets and long texts to the end of a line; headers close what they open."""
        at = 0
        while True:
            if self._open:
                end = line.find(self._open, at)
                if end < 0:
                    return
                at, self._open = end + 3, ""
            match = _TOKEN.search(line, at)
            if match is None:
                return
            token, at = match[0], match.end()
            if token in ('"""', "'''"):
                self._open = token
            elif token in _OPENING:
                self._depth += 1
            elif token in _CLOSING:
                self._depth = max(0, self._depth - 1)


def _plain(written: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in written.split("."))
