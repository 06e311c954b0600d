"""What a setting accepts, in words: one text for error messages and for the reference."""

from datetime import timedelta
from typing import Final

from config.schema import Field, Form
from config.units import format_duration, format_size

_NOUNS: Final[dict[Form, str]] = {
    Form.INTEGER: "a whole number",
    Form.NUMBER: "a number",
    Form.SWITCH: "true or false",
    Form.DURATION: 'a duration such as "30s" or "1h30m"',
    Form.SIZE: 'a size such as "25MiB"',
    Form.PATH: "a path",
    Form.LIST: "a list",
    Form.SECTION: "a table",
    Form.TABLES: "an array of tables",
}


def expected(field: Field) -> str:
    """Return what belongs into `field`, e.g. `a whole number of at least 1, or "auto"`."""
    if field.form is Form.LIST:
        start = "a list of one or more, each" if field.setting.filled else "a list, each element"
        return f"{start} {expected_item(field)}"
    accepted = _accepted(field, field.form)
    words = [] if field.form is Form.CHOICE else list(field.words)
    if field.setting.off:
        words.append(field.setting.off)
    return ", or ".join([accepted, *(f'"{word}"' for word in words)])


def expected_item(field: Field) -> str:
    """Return what belongs into each element of a list."""
    return _accepted(field, field.item or Form.TEXT)


def _accepted(field: Field, form: Form) -> str:
    """Return the words for one form, with the limits of the setting."""
    match form:
        case Form.TEXT:
            return field.setting.shape
        case Form.CHOICE:
            return "one of " + ", ".join(f'"{word}"' for word in field.words)
        case Form.INTEGER:
            return _NOUNS[form] + _limits(field, " of ")
        case _:
            return _NOUNS[form] + _limits(field, ", ")


def _limits(field: Field, joint: str) -> str:
    """Return the limits of a setting behind `joint`, or nothing when it has none."""
    least = _limit(field, field.setting.least)
    most = _limit(field, field.setting.most)
    if least and most:
        return f"{joint}{least} to {most}"
    if least:
        return f"{joint}at least {least}"
    return f"{joint}at most {most}" if most else ""


def _limit(field: Field, limit: timedelta | float | None) -> str:
    """Return one limit in the notation of the setting."""
    if limit is None:
        return ""
    if isinstance(limit, timedelta):
        return format_duration(limit)
    return format_size(int(limit)) if field.setting.size else f"{limit}"
