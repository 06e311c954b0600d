"""Style, script and pictures: read once, named by their content, kept by browsers for a year.

The style sheet and the script of the panel are written in many files, one for each of its parts,
and served as one: they follow each other in the order of their names.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from aiohttp import web

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """One file as it is served."""

    path: str
    """With a hash of the content in it."""
    body: bytes
    compressed: bytes
    content_type: str


def _static_file(name: str, body: bytes) -> StaticFile:
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.blake2b(body, digest_size=6).hexdigest()
    return StaticFile(
        path=f"/static/{stem}.{digest}.{suffix}",
        body=body,
        compressed=gzip.compress(body, mtime=0),
        content_type=_TYPES[f".{suffix}"],
    )


def _style(parts: Iterable[str]) -> str:
    return "".join(parts)


def _script(parts: Iterable[str]) -> str:
    """Join scripts; each in a block, so that what one defines the others do not see."""
    head = '// Comfort only: every page works without this script.\n"use strict";\n'
    return head + "".join(f"{{\n{part}}}\n" for part in parts)


def _read_parts(suffix: str) -> Iterator[str]:
    for file in sorted((_FOLDER / "panel").glob(f"*{suffix}")):
        yield file.read_text(encoding="utf-8")


def _load() -> Iterator[tuple[str, StaticFile]]:
    for file in _FOLDER.iterdir():
        if file.suffix in _TYPES:
            yield file.name, _static_file(file.name, file.read_bytes())
    for name, text in (
        ("panel.css", _style(_read_parts(".css"))),
        ("panel.js", _script(_read_parts(".js"))),
    ):
        yield name, _static_file(name, text.encode())


class StaticFiles:
    """Every file of the static folder."""

    def __init__(self) -> None:
        files = dict(_load())
        self._files: Mapping[str, StaticFile] = MappingProxyType(files)
        self._by_path = {file.path: file for file in files.values()}

    def url(self, name: str) -> str:
        """Return where browsers find the file `name`."""
        return self._files[name].path

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file. Raises HTTPNotFound."""
        file = self._by_path.get(request.path)
        if file is None:
            raise web.HTTPNotFound
        headers = {
            "Content-Type": file.content_type,
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(
                body=file.compressed, headers=headers | {"Content-Encoding": "gzip"}
            )
        return web.Response(body=file.body, headers=headers)
