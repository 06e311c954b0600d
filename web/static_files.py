"""Style, script and pictures: read once, named by their content, kept by browsers for a year."""

import gzip
import hashlib
from collections.abc import Mapping
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


def _load(file: Path) -> StaticFile:
    body = file.read_bytes()
    digest = hashlib.blake2b(body, digest_size=6).hexdigest()
    return StaticFile(
        path=f"/static/{file.stem}.{digest}{file.suffix}",
        body=body,
        compressed=gzip.compress(body, mtime=0),
        content_type=_TYPES[file.suffix],
    )


class StaticFiles:
    """Every file of the static folder."""

    def __init__(self) -> None:
        files = {file.name: _load(file) for file in _FOLDER.iterdir() if file.suffix in _TYPES}
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
