"""What people send with a form of ours: fields of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

KIND: Final = "application/x-www-form-urlencoded"


class Form:
    """The fields of a form; a name may come several times."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def get(self, name: str) -> str:
        """Return the first value of a field; empty text when it was not sent."""
        return self._fields.get(name, ("",))[0]

    def getall(self, name: str) -> Sequence[str]:
        """Return every value of a field."""
        return self._fields.get(name, ())

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield every field with each of its values."""
        for name, values in self._fields.items():
            for value in values:
                yield name, value


async def read_form(request: web.Request) -> Form:
    """Return the fields of a POST; none for a body of another kind than our forms send.

    Octets that are not UTF-8 become U+FFFD, whatever charset the request claims: our pages are
    UTF-8. Raises HTTPRequestEntityTooLarge, and HTTPBadRequest for a body that cannot be read.
    """
    try:
        body = await request.read()
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
    if request.content_type != KIND:
        return Form({})
    text = body.decode(errors="replace")
    return Form(parse_qs(text, keep_blank_values=True, errors="replace"))
