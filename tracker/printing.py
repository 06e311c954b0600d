"""Text that is shown to people and programs in a line of plain text. Pure."""


def printable(text: str) -> str:
    """Return `text` with every character that does not print escaped, as Python writes it."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
