"""Settings as plain values: what TOML and JSON can say, in the form the loader reads."""

from datetime import timedelta
from pathlib import Path

import msgspec

from config.schema import Field, Form, fields
from config.units import format_duration, format_size


def to_plain(settings: msgspec.Struct) -> dict[str, object]:
    """Return a settings struct as a dict of text, numbers, lists and dicts; unset keys are absent.

    Secrets are in it: this is for the loader and the revision, not for showing.
    """
    values = {
        field.name: plain_value(field, getattr(settings, field.name))
        for field in fields(type(settings))
    }
    return {name: value for name, value in values.items() if value is not None}


def plain_value(field: Field, value: object) -> object:
    """Return the plain form of one setting's value; None when it is unset."""
    if value is None:
        return field.setting.off
    if isinstance(value, msgspec.Struct):
        return to_plain(value)
    if isinstance(value, tuple):
        return [
            to_plain(item) if isinstance(item, msgspec.Struct) else _plain_leaf(field, item)
            for item in value
        ]
    return _plain_leaf(field, value)


def _plain_leaf(field: Field, value: object) -> object:
    """Return the plain form of a value that is neither list nor section."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, int) and field.form is Form.SIZE:
        return format_size(value)
    return value
