"""From raw TOML or JSON values to settings, with every problem on the way.

msgspec.convert stops at the first error and an operator wants all of them, so this walks the
declarations itself. A value with a problem is replaced by its default and the walk goes on; the
settings that come out count only when there are no problems.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from config.describe import expected, expected_item
from config.errors import Problem, did_you_mean, shown, without_passwords
from config.schema import Field, Form, Setting, fields
from config.units import parse_duration, parse_size

_LARGEST: Final = 2**63 - 1
"""The largest whole number TOML promises."""

S = TypeVar("S", bound=msgspec.Struct)


class Reader:
    """Converts sections and collects problems.

    `origins` tells for a key which variable gave its value, for the message.
    """

    def __init__(self, root: type[msgspec.Struct], origins: Mapping[str, str]) -> None:
        """Start without problems; `root` is where misplaced keys are looked for."""
        self.problems: list[Problem] = []
        self._root = root
        self._origins = origins

    def section(self, struct: type[S], raw: Mapping[str, object], prefix: str = "") -> S:
        """Return `struct` filled from `raw`; problems carry keys that begin with `prefix`."""
        known = {field.name: field for field in fields(struct)}
        for name in [name for name in raw if name not in known]:
            self._unknown(name, prefix, list(known))
        values: dict[str, object] = {}
        for name, field in known.items():
            if name in raw:
                self._read(field, raw[name], f"{prefix}{name}", values)
            elif field.required:
                self._report(f"{prefix}{name}", "nothing", expected(field))
                values[name] = ""
        return struct(**values)

    def _read(self, field: Field, raw: object, key: str, values: dict[str, object]) -> None:
        """Put the value of one field into `values`, or report what is wrong with it."""
        before = len(self.problems)
        value = self._value(field, raw, key)
        if len(self.problems) == before or field.struct is not None:
            values[field.name] = value
        elif field.required:
            # Only so that the walk can go on: these settings never leave the loader.
            values[field.name] = ""

    def _value(self, field: Field, raw: object, key: str) -> object:
        """Return the value for a field of any form; reported problems make it meaningless."""
        if field.struct is not None:
            return self._tables(field, field.struct, raw, key)
        if field.form is not Form.LIST:
            return self._leaf(field, field.form, raw, key, expected(field))
        if not isinstance(raw, list) or (field.setting.filled and not raw):
            self._report(key, shown(raw, field.setting.secret), expected(field))
            return None
        item = field.item or Form.TEXT
        return tuple(
            self._leaf(field, item, element, f"{key}[{index}]", expected_item(field))
            for index, element in enumerate(raw)
        )

    def _tables(self, field: Field, struct: type[msgspec.Struct], raw: object, key: str) -> object:
        """Return a section, or a tuple of them for an array of tables."""
        if field.form is Form.SECTION:
            if isinstance(raw, Mapping):
                return self.section(struct, raw, f"{key}.")
            self._report(key, _kind(raw), f"a table, written [{key}]")
            return field.default
        if not isinstance(raw, list):
            self._report(key, _kind(raw), f"an array of tables, written [[{key}]]")
            return field.default
        found = []
        for index, table in enumerate(raw):
            if isinstance(table, Mapping):
                found.append(self.section(struct, table, f"{key}[{index}]."))
            else:
                self._report(f"{key}[{index}]", _kind(table), f"a table, written [[{key}]]")
        return tuple(found)

    def _leaf(self, field: Field, form: Form, raw: object, key: str, accepts: str) -> object:
        """Return the converted value, or report and return None."""
        if raw is None and field.optional:
            return None
        if isinstance(raw, str) and field.setting.off == raw:
            return None
        if isinstance(raw, str) and raw in field.words:
            return raw
        try:
            value = _convert(form, field.setting, raw)
            _check_limits(field.setting, value)
        except ValueError as error:
            found = shown(raw, field.setting.secret)
            hint = did_you_mean(raw, field.words) if isinstance(raw, str) else ""
            self._report(key, found, accepts, hint or _sentence(error, field.setting))
            return None
        return value

    def _report(self, key: str, found: str, accepts: str, hint: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(key, found, accepts, hint, origin_of(key, self._origins)))

    def _unknown(self, name: str, prefix: str, known: list[str]) -> None:
        """Add the problem of a key that does not exist, with the key that was perhaps meant."""
        section = f"[{prefix.rstrip('.')}]" if prefix else "the top level"
        elsewhere = [place for place, leaf in _places(self._root) if leaf == name]
        moved = f"it belongs to {' or '.join(elsewhere)}"
        hint = moved if elsewhere else did_you_mean(name, known)
        self._report(f"{prefix}{name}", "an unknown key", f"a key of {section}", hint)


def origin_of(key: str, origins: Mapping[str, str]) -> str:
    """Return which variable gave the value at `key`, itself or as part of a list; else ""."""
    matches = [
        place for place in origins if key == place or key.startswith((f"{place}.", f"{place}["))
    ]
    return origins[max(matches, key=len)] if matches else ""


def _convert(form: Form, setting: Setting, raw: object) -> object:
    """Return the value of a leaf; ValueError, with or without a text, if `raw` does not fit."""
    match form, raw:
        case Form.TEXT, str() if _is_unicode(raw):
            return setting.check(raw) if setting.check else raw
        case Form.PATH, str() if raw and "\0" not in raw and _is_unicode(raw):
            return Path(raw)
        case Form.DURATION, str():
            return parse_duration(raw)
        case Form.SIZE, str():
            return parse_size(raw)
        case ((Form.DURATION | Form.SIZE), int()) if not isinstance(raw, bool):
            unit = "s" if form is Form.DURATION else "B"
            raise ValueError(f'the unit is missing, as in "{raw}{unit}"')
        case Form.SWITCH, bool():
            return raw
        case Form.INTEGER, int() if not isinstance(raw, bool) and abs(raw) <= _LARGEST:
            return raw
        case Form.NUMBER, float():
            return raw
        case Form.NUMBER, int() if not isinstance(raw, bool) and abs(raw) <= _LARGEST:
            return float(raw)
    raise ValueError


def _is_unicode(text: str) -> bool:
    """True unless the environment had bytes that are not UTF-8, which no TOML could show."""
    return text.encode(errors="replace").decode() == text


def _check_limits(setting: Setting, value: object) -> None:
    """Raise ValueError for a value outside the limits of its setting."""
    least, most = setting.least, setting.most
    if isinstance(value, timedelta):
        low = isinstance(least, timedelta) and value < least
        high = isinstance(most, timedelta) and value > most
    elif isinstance(value, int | float):
        # Written so that NaN, which compares with nothing, is outside.
        low = isinstance(least, int | float) and not value >= least
        high = isinstance(most, int | float) and not value <= most
    else:
        return
    if low or high:
        raise ValueError("too low" if low else "too high")


def _sentence(error: ValueError, setting: Setting) -> str:
    """Return what a check said; nothing for secrets, since checks quote what they found."""
    return "" if setting.secret else without_passwords(str(error))


def _kind(raw: object) -> str:
    """Return what a value is without its content, which may hold secrets of a whole section."""
    if isinstance(raw, Mapping):
        return "a table"
    if isinstance(raw, list):
        return "a list"
    return "a text" if isinstance(raw, str) else "a single value"


def _places(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield for each key below `struct` the section that holds it, as written in TOML."""
    for field in fields(struct):
        yield (f"[{prefix}]" if prefix else "the top level"), field.name
        if field.struct is not None:
            inner = f"{prefix}.{field.name}" if prefix else field.name
            for place, name in _places(field.struct, inner):
                tables = field.form is Form.TABLES and place == f"[{inner}]"
                yield (f"[{place}]" if tables else place), name
