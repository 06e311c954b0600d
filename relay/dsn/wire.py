"""Hostile text into lines that are safe in a header, a field or a body (RFC 2045, 2047, 5322)."""

import base64
import re
from collections.abc import Iterable, Iterator

LINE_LIMIT = 998
"""Octets of a line without its CRLF (RFC 5321 4.5.3.1.6)."""
_FOLD_AT = 76
_LONGEST_WORD = 900
_ENCODED_OCTETS = 45
"""Of text in one encoded-word: 60 characters of base64, below the limit of 75 (RFC 2047 2)."""
_HARMLESS = re.compile(r"[ -~]*")
_XTEXT = re.compile(r"[!-*,-<>-~]|\+[0-9A-F]{2}")


def show(text: str) -> str:
    """Return `text` on one line, with whatever cannot be seen in it made visible.

    Control and formatting characters (ESC, right-to-left overrides, zero width) become
    backslash escapes, octets that were no UTF-8 become `\\xNN`.
    """
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(_show_character(character) for character in text)


def _show_character(character: str) -> str:
    if character == "\t":
        return " "
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def show_ascii(text: str) -> str:
    """Return `text` as `show` does, with what is not ASCII as backslash escapes too."""
    return show(text).encode("ascii", "backslashreplace").decode("ascii")


def fold(name: str, lines: Iterable[str]) -> str:
    """Return a field whose value is `lines`, each beginning on a line of its own.

    Long lines are folded at spaces; a word that is longer than a line may be is cut.
    """
    folded: list[str] = []
    current = f"{name}:"
    for line in lines:
        for word in _words(line):
            if len(current) + 1 + len(word) > _FOLD_AT and current not in ("", f"{name}:"):
                folded.append(current)
                current = ""
            current += f" {word}"
        if current:
            folded.append(current)
        current = ""
    return "\r\n".join(folded)


def _words(line: str) -> Iterator[str]:
    for word in line.split():
        for start in range(0, len(word), _LONGEST_WORD):
            yield word[start : start + _LONGEST_WORD]


def encode_unstructured(name: str, text: str) -> str:
    """Return the header field `name` with `text`, as encoded-words where it needs them."""
    shown = " ".join(show(text).split())
    if shown.isascii() and "=?" not in shown:
        return fold(name, [shown])
    words = (
        f"=?utf-8?b?{base64.b64encode(piece.encode()).decode('ascii')}?="
        for piece in _pieces(shown)
    )
    return f"{name}: " + "\r\n ".join(words)


def _pieces(text: str) -> Iterator[str]:
    """Cut `text` between characters into pieces of at most `_ENCODED_OCTETS` octets."""
    piece, octets = "", 0
    for character in text:
        size = len(character.encode())
        if octets + size > _ENCODED_OCTETS:
            yield piece
            piece, octets = "", 0
        piece += character
        octets += size
    yield piece


def decode_xtext(text: str) -> str:
    """Decode xtext (RFC 3461 4); what is none, or hides unprintable characters, stays as it is."""
    if _XTEXT.sub("", text):
        return text
    decoded = re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)
    return decoded if _HARMLESS.fullmatch(decoded) else text


def is_sendable(octets: bytes) -> bool:
    """Say whether `octets` may stand in a part as they are: lines of CRLF, none too long."""
    stripped = octets.replace(b"\r\n", b"")
    if b"\r" in stripped or b"\n" in stripped or b"\0" in stripped:
        return False
    return all(len(line) <= LINE_LIMIT for line in octets.split(b"\r\n"))


def quote_printable(octets: bytes) -> bytes:
    """Encode as quoted-printable, keeping CRLF line ends (RFC 2045 6.7)."""
    return b"\r\n".join(_quote_line(line) for line in octets.split(b"\r\n"))


def _quote_line(line: bytes) -> bytes:
    quoted: list[str] = []
    width = 0
    for position, octet in enumerate(line):
        blank = octet in b" \t" and position < len(line) - 1
        literal = blank or (33 <= octet <= 126 and octet != ord("="))
        piece = chr(octet) if literal else f"={octet:02X}"
        if width + len(piece) > _FOLD_AT - 1:
            quoted.append("=\r\n")
            width = 0
        quoted.append(piece)
        width += len(piece)
    return "".join(quoted).encode("ascii")
