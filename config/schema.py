"""How a setting is declared, and how a declaration is read back.

A setting is one field of a frozen msgspec Struct: its annotation gives the type, its default
the default, and a `Setting` in `Annotated` gives unit, limits and documentation. Loader, default
file and reference all read the same declaration, so that they cannot disagree.
"""

import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cache
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Setting:
    """What the annotation alone cannot say about a setting.

    `doc`: for operators, whole sentences. `unit`: what a number counts. `least`, `most`: limits,
    inclusive. `size`: an int of bytes, written as "25MiB". `secret`: never shown. `off`: the word
    that stands for None. `example`: a value, as TOML, for a setting without a fixed default.
    `computed`: the default in words, where it differs between machines.
    `check`: returns the text in its canonical form or raises ValueError. `shape`: what
    `check` accepts, in words. `filled`: a list that may not be empty.
    """

    doc: str
    unit: str = ""
    least: timedelta | float | None = None
    most: timedelta | float | None = None
    size: bool = False
    secret: bool = False
    off: str | None = None
    example: str | None = None
    computed: str = ""
    check: Callable[[str], str] | None = None
    shape: str = "text"
    filled: bool = False


class Form(Enum):
    """How a value is written."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    SWITCH = "true or false"
    DURATION = "duration"
    SIZE = "size"
    PATH = "path"
    CHOICE = "choice"
    LIST = "list"
    SECTION = "table"
    TABLES = "array of tables"


_FORMS: dict[object, Form] = {
    str: Form.TEXT,
    int: Form.INTEGER,
    float: Form.NUMBER,
    bool: Form.SWITCH,
    timedelta: Form.DURATION,
    Path: Form.PATH,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One declared setting or section.

    `words` are the literal values accepted beside (or, for a choice, instead of) the form;
    `item` is the form of a list's elements; `struct` is the class of a section or of one table.
    """

    name: str
    setting: Setting
    form: Form
    words: tuple[str, ...]
    item: Form | None
    struct: type[msgspec.Struct] | None
    optional: bool
    required: bool
    default: object

    @property
    def is_leaf(self) -> bool:
        """True for a setting with a value of its own, False for sections and tables."""
        return self.struct is None


@cache
def fields(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the declared fields of a settings class, in the order of declaration.

    Raises TypeError for a field without a `Setting` or of a type no form exists for.
    """
    hints = typing.get_type_hints(struct, include_extras=True)
    return tuple(_read(info, hints[info.name]) for info in msgspec.structs.fields(struct))


def leaves(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Yield every setting below `struct` with its dotted key; tables are written `routes[]`."""
    for field in fields(struct):
        key = f"{prefix}{field.name}"
        if field.struct is None:
            yield key, field
        else:
            mark = "[]" if field.form is Form.TABLES else ""
            yield from leaves(field.struct, f"{key}{mark}.")


def _read(info: msgspec.structs.FieldInfo, hint: object) -> Field:
    """Turn one annotation into a Field."""
    setting = next((note for note in getattr(hint, "__metadata__", ()) if _is_setting(note)), None)
    if setting is None:
        raise TypeError(f"{info.name} is declared without a Setting")
    bare, words, optional = _alternatives(typing.get_args(hint)[0])
    form, item, struct = _form(bare, setting, words)
    if info.default_factory is not msgspec.NODEFAULT:
        default = info.default_factory()
    else:
        default = info.default
    return Field(
        name=info.name,
        setting=setting,
        form=form,
        words=words,
        item=item,
        struct=struct,
        optional=optional,
        required=info.required,
        default=default,
    )


def _is_setting(note: object) -> bool:
    return isinstance(note, Setting)


def _alternatives(hint: object) -> tuple[object, tuple[str, ...], bool]:
    """Split `int | Literal["auto"] | None` into the type, the words and whether None is allowed."""
    is_union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    members = typing.get_args(hint) if is_union else (hint,)
    words = [
        word
        for member in members
        if typing.get_origin(member) is typing.Literal
        for word in typing.get_args(member)
    ]
    plain = [
        member
        for member in members
        if member is not types.NoneType and typing.get_origin(member) is not typing.Literal
    ]
    if len(plain) > 1 or not (plain or words):
        raise TypeError(f"no form for {hint!r}")
    return (plain[0] if plain else None), tuple(words), types.NoneType in members


def _form(
    bare: object, setting: Setting, words: tuple[str, ...]
) -> tuple[Form, Form | None, type[msgspec.Struct] | None]:
    """Return the form, the form of list elements and the class of a section for a bare type."""
    if bare is None and words:
        return Form.CHOICE, None, None
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return Form.SECTION, None, bare
    if typing.get_origin(bare) is tuple:
        element = typing.get_args(bare)[0]
        if isinstance(element, type) and issubclass(element, msgspec.Struct):
            return Form.TABLES, None, element
        return Form.LIST, _FORMS[element], None
    if bare is int and setting.size:
        return Form.SIZE, None, None
    if bare not in _FORMS:
        raise TypeError(f"no form for {bare!r}")
    return _FORMS[bare], None, None
