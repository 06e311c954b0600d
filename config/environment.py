"""The environment over the file: `SENDTRACE_STORE__URL` is `url` in `[store]`.

Two underscores go one level down, a number picks a table of an array, and `_FILE` at the end
names a file that holds the value. Values become what TOML would have given, so that one
converter judges both.
"""

import copy
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from config.errors import Problem, did_you_mean
from config.plain import plain_value
from config.schema import Field, Form, fields

PREFIX: Final = "SENDTRACE_"
CONFIG_VARIABLE: Final = "SENDTRACE_CONFIG"

_FILE: Final = "_FILE"
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_SWITCHES: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}

Place = tuple[str | int, ...]
"""Names of sections and numbers of tables down to a setting."""


@dataclass(frozen=True, slots=True)
class Target:
    """The setting a variable is about: its place, declaration, and whether a file is named."""

    place: Place
    declared: Field
    names_file: bool


@dataclass(slots=True)
class Overlay:
    """Raw values after the environment, which variable gave which key, and what was wrong."""

    raw: dict[str, object]
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def overlay(
    root: type[msgspec.Struct], raw: Mapping[str, object], environ: Mapping[str, str]
) -> Overlay:
    """Return `raw` with every SENDTRACE_ variable applied; `raw` itself stays as it is."""
    result = Overlay(copy.deepcopy(dict(raw)))
    targets: dict[str, Target] = {}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE:
            target = find(root, name)
            if target is None:
                result.problems.append(_unknown(root, name))
            else:
                targets[name] = target
    # Arrays given as a whole come before their single fields.
    for name, target in sorted(targets.items(), key=lambda pair: len(pair[1].place)):
        _apply(root, result, name, target, environ[name])
    return result


def find(root: type[msgspec.Struct], name: str) -> Target | None:
    """Return the setting that variable `name` is about, or None if there is none."""
    if name != name.upper():
        return None
    segments = name.removeprefix(PREFIX).split("__")
    plain = _walk(root, segments)
    if plain is not None:
        return Target(plain[0], plain[1], names_file=False)
    if not name.endswith(_FILE):
        return None
    segments[-1] = segments[-1].removesuffix(_FILE)
    filed = _walk(root, segments)
    return Target(filed[0], filed[1], names_file=True) if filed else None


def _walk(root: type[msgspec.Struct], segments: list[str]) -> tuple[Place, Field] | None:
    """Follow the segments of a name through the sections to a setting or an array of tables."""
    struct: type[msgspec.Struct] = root
    place: list[str | int] = []
    rest = list(segments)
    while rest:
        segment = rest.pop(0).lower()
        declared = next((field for field in fields(struct) if field.name == segment), None)
        if declared is None:
            return None
        place.append(segment)
        if declared.form is Form.TABLES and rest:
            index = rest.pop(0)
            if not re.fullmatch(r"[0-9]{1,4}", index, re.ASCII):
                return None
            place.append(int(index))
        elif declared.form is not Form.SECTION:
            return None if rest else (tuple(place), declared)
        if declared.struct is not None:
            struct = declared.struct
    return None


def _apply(
    root: type[msgspec.Struct], result: Overlay, name: str, target: Target, text: str
) -> None:
    """Put one variable's value into its place, or add the problem that prevents it."""
    key = key_of(target.place)
    if key in result.origins:
        clash = Problem(name, "a value", "one source for each key", f"{result.origins[key]} has it")
        result.problems.append(clash)
        return
    if target.names_file:
        try:
            text = Path(text).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            found = f'the file "{text}" ({_reason(error)})'
            result.problems.append(Problem(key, found, "a readable file", "", name))
            return
    result.origins[key] = name
    value = from_text(target.declared, text)
    if not _put(root, result.raw, target.place, value):
        gap = Problem(name, f"table {_last_index(target.place)}", "no gap in the numbers from 0")
        result.problems.append(gap)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else "not UTF-8 text"


def _last_index(place: Place) -> int:
    return next(part for part in reversed(place) if isinstance(part, int))


def key_of(place: Place) -> str:
    """Return a place as problems write it: `submission.listeners[0].tls`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def from_text(declared: Field, text: str) -> object:
    """Return the raw value for a variable's text; text of another form stays text.

    Lists are TOML or JSON, or plain words between commas. Empty text unsets an optional key.
    """
    match declared.form:
        case Form.INTEGER if _INTEGER.fullmatch(text):
            return int(text)
        case Form.NUMBER:
            return _number(text)
        case Form.SWITCH:
            return _SWITCHES.get(text.lower(), text)
        case Form.TABLES:
            return _structured(text)
        case Form.LIST:
            # "[::1]:53, [::2]:53" begins like a list and is none.
            whole = _structured(text)
            words = [part.strip() for part in text.split(",") if part.strip()]
            return whole if isinstance(whole, list) else words
    return None if declared.optional and not text else text


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _structured(text: str) -> object:
    """Return the JSON or TOML value in `text`, or `text` if it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _put(root: type[msgspec.Struct], raw: dict[str, object], place: Place, value: object) -> bool:
    """Put `value` at `place`, making sections and the next table on the way.

    False when the number of a table leaves a gap. Where the file has something else than a
    section, that stays and is reported by the converter.
    """
    struct: type[msgspec.Struct] = root
    node: object = raw
    for index, part in enumerate(place[:-1]):
        if isinstance(node, list) and isinstance(part, int):
            if part > len(node):
                return False
            if part == len(node):
                node.append({})
            node = node[part]
        elif isinstance(node, dict):
            declared = next(field for field in fields(struct) if field.name == part)
            struct = declared.struct or struct
            tables = isinstance(place[index + 1], int)
            node = node.setdefault(part, plain_value(declared, declared.default) if tables else {})
    if isinstance(node, dict):
        node[place[-1]] = value
    return True


def variables(root: type[msgspec.Struct]) -> list[str]:
    """Return the names of all variables, with 0 as the number of tables."""

    def names(struct: type[msgspec.Struct], prefix: str) -> list[str]:
        found = []
        for declared in fields(struct):
            name = f"{prefix}{declared.name.upper()}"
            if declared.form is not Form.SECTION:
                found.append(name)
            if declared.struct is not None:
                number = "0__" if declared.form is Form.TABLES else ""
                found += names(declared.struct, f"{name}__{number}")
        return found

    return names(root, PREFIX)


def _unknown(root: type[msgspec.Struct], name: str) -> Problem:
    """Return the problem of a variable that names no setting, with the closest that does."""
    wanted = re.sub(r"__[0-9]+__", "__0__", name.upper())
    hint = did_you_mean(wanted, [*variables(root), CONFIG_VARIABLE], quote="")
    return Problem(name, "an unknown variable", "the name of a setting", hint)
