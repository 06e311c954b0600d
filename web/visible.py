"""Text from the network, made safe for the eye.

Escaping for HTML is the template engine's work. What is left is text that lies about itself:
control characters, and the directional and invisible characters of Unicode (UTS 39, "Trojan
Source"). They are shown instead of obeyed. Templates send every value through `show`.
"""

import re
from typing import Final

_HIDDEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and newline
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff"  # tags and variation selectors, another way to hide text
    "\ud800-\udfff"  # lone surrogates: they have no UTF-8 form at all
    "]"
)
_PICTURES: Final = 0x2400
_DELETE: Final = 0x7F
_DELETE_PICTURE: Final = "\u2421"


def _picture(match: re.Match[str]) -> str:
    """Return what stands for one hidden character."""
    point = ord(match[0])
    if point < 0x20:
        return chr(_PICTURES + point)
    if point == _DELETE:
        return _DELETE_PICTURE
    return f"⟨U+{point:04X}⟩"


def show(text: str) -> str:
    """Return `text` with every hidden character replaced by a visible sign for it.

    Tab and newline stay, "\\r\\n" becomes a newline, letters of every script stay as they are.
    """
    return _HIDDEN.sub(_picture, text.replace("\r\n", "\n"))


def show_line(text: str) -> str:
    """Return `text` like `show`, on one line: newline and tab become signs as well."""
    return show(text).replace("\n", "\u240a").replace("\t", "\u2409")
