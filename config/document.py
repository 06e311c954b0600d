"""The documents made from the declarations: the annotated default file, the effective
configuration, and the reference in docs/configuration.md.

Pure rendering: settings in, text out. `python -m config.document > docs/configuration.md` renews
the reference.
"""

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from config.describe import expected
from config.environment import PREFIX
from config.errors import without_passwords
from config.loader import revision_of
from config.plain import plain_value
from config.schema import Field, Form, fields
from config.settings import Settings

_WIDTH: Final = 96
_HIDDEN: Final = "(secret)"

_FILE_HEAD: Final = """\
The configuration of Sendtrace with every setting at its default.

A line that begins with "#" and a key is a setting without a default, shown with an example.
Durations are d, h, m, s and ms ("7d", "1h30m"), sizes B, KiB, MiB, GiB, kB, MB and GB ("25MiB").
The environment overrides this file: SENDTRACE_STORE__URL is url in [store].
`sendtrace config check` reads the file and names everything that is wrong with it."""

_REFERENCE_HEAD: Final = """\
# Configuration

Made from the declarations in `config/settings/` by `python -m config.document`; changes belong
there.

Sendtrace reads one TOML file: the one named with `--config`, else the one named in
`$SENDTRACE_CONFIG`, else `/etc/sendtrace/sendtrace.toml`. Without any, the defaults below apply,
with state under `./var`. `sendtrace config default` prints a file with every setting and its
documentation, `sendtrace config check` names everything that is wrong with a configuration, and
`sendtrace config show` prints what is in force.

**Durations** are text: `"7d"`, `"1h30m"`, `"500ms"`; the units are d, h, m, s and ms.
**Sizes** are text: `"25MiB"`, `"10MB"`, `"1000 B"`; KiB, MiB, GiB and TiB are powers of 1024, kB,
MB, GB and TB powers of 1000. A number without a unit is an error.

**Environment.** Every setting has a variable that overrides the file. Two underscores go one level
down. Lists are TOML or JSON (`SENDTRACE_DNS__NAMESERVERS='["127.0.0.1:5353"]'`) or words between
commas. Arrays of tables go by number, from 0
(`SENDTRACE_SUBMISSION__LISTENERS__0__ADDRESS=127.0.0.1:2525`), where a number the file has changes
that table and the next free number adds one; or as a whole, as one JSON list. Empty text unsets a
setting that may be unset. A variable that begins with `SENDTRACE_` and names no setting is an
error: in Kubernetes, a Service called `sendtrace` makes such variables unless the pod has
`enableServiceLinks: false`.

**Secrets.** With `_FILE` at the end of its name, a variable names a file whose content, without
white space around it, is the value: `SENDTRACE_ROUTES__0__PASSWORD_FILE=/run/secrets/smarthost`.
"""


def render_default() -> str:
    """Return the annotated TOML file that equals the built-in defaults."""
    return "\n".join([*_comment(_FILE_HEAD), *_annotated(Settings(), "", "")]) + "\n"


def render_effective(settings: Settings, source: Path | None = None) -> str:
    """Return the settings in force as TOML, secrets replaced by "(secret)".

    The first line gives the revision, and `source`, the file they came from, if it is named.
    """
    origin = f", from {literal(str(source))} and the environment" if source else ""
    head = f"# Revision {revision_of(settings)}{origin}."
    return "\n".join([head, *_values(settings, "")]) + "\n"


def render_reference() -> str:
    """Return the reference of all settings as Markdown."""
    lines = [_REFERENCE_HEAD, "## Top level", "", *_reference(Settings, "")]
    return "\n".join(lines).rstrip("\n") + "\n"


def literal(value: object) -> str:
    """Return a plain value as TOML writes it."""
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    # JSON is TOML here but for one character that JSON need not escape.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> list[str]:
    """Return wrapped comment lines; line breaks of the text are kept."""
    return [
        f"# {line}".rstrip()
        for part in text.split("\n")
        for line in textwrap.wrap(part, _WIDTH, break_on_hyphens=False) or [""]
    ]


def _split(struct: type[msgspec.Struct]) -> tuple[list[Field], list[Field]]:
    """Return the settings and the sections of a class: TOML wants them in this order."""
    declared = fields(struct)
    return [one for one in declared if one.is_leaf], [one for one in declared if not one.is_leaf]


def _heading(field: Field, key: str) -> str:
    return f"[[{key}]]" if field.form is Form.TABLES else f"[{key}]"


def _annotated(settings: msgspec.Struct, prefix: str, mark: str) -> Iterator[str]:
    """Yield the lines of one section; `mark` is "#" within an example."""
    leaves, sections = _split(type(settings))
    for field in leaves:
        yield ""
        yield from _comment(field.setting.doc)
        yield from _comment(f"Value: {_accepts(field)}.")
        value = plain_value(field, getattr(settings, field.name))
        if value is None or field.setting.computed or (mark and field.required):
            yield f"#{field.name} = {field.setting.example}"
        else:
            yield f"{mark}{field.name} = {literal(value)}"
    for field in sections:
        yield from _annotated_section(field, getattr(settings, field.name), prefix, mark)


def _annotated_section(field: Field, value: object, prefix: str, mark: str) -> Iterator[str]:
    """Yield the lines of a section inside another, or an example of a table when there is none."""
    key = f"{prefix}{field.name}"
    yield ""
    yield ""
    yield from _comment(field.setting.doc)
    if isinstance(value, msgspec.Struct):
        yield f"{mark}{_heading(field, key)}"
        yield from _annotated(value, f"{key}.", mark)
        return
    tables = value if isinstance(value, tuple) else ()
    for table in tables or (_example(field),):
        inner = mark if tables else "#"
        yield f"{inner}{_heading(field, key)}"
        yield from _annotated(table, f"{key}.", inner)


def _example(field: Field) -> msgspec.Struct:
    """Return a table of which only the required keys, shown by their examples, are made up."""
    if field.struct is None:
        raise TypeError(f"{field.name} has no tables")
    needed = [inner for inner in fields(field.struct) if inner.required]
    return field.struct(**{inner.name: json.loads(inner.setting.example or "") for inner in needed})


def _values(settings: msgspec.Struct, prefix: str) -> Iterator[str]:
    """Yield the values of one section without documentation."""
    leaves, sections = _split(type(settings))
    for field in leaves:
        yield _value_line(field, getattr(settings, field.name))
    for field in sections:
        if getattr(settings, field.name) == ():
            yield f"{field.name} = []"
    for field in sections:
        key = f"{prefix}{field.name}"
        value = getattr(settings, field.name)
        for section in value if isinstance(value, tuple) else (value,):
            yield ""
            yield _heading(field, key)
            yield from _values(section, f"{key}.")


def _value_line(field: Field, value: object) -> str:
    """Return one setting as `key = value`, a comment when it is unset, never a secret."""
    plain = plain_value(field, value)
    if plain is None:
        return f"# {field.name} is not set"
    if field.setting.secret:
        plain = _HIDDEN
    elif isinstance(plain, str):
        plain = without_passwords(plain)
    return f"{field.name} = {literal(plain)}"


def _accepts(field: Field) -> str:
    """Return what a setting accepts, with what its number counts."""
    return expected(field) + (f" ({field.setting.unit})" if field.setting.unit else "")


def _reference(struct: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    """Yield the reference of one section and of those inside it."""
    leaves, sections = _split(struct)
    for field in leaves:
        yield from [f"### `{prefix}{field.name}`", "", field.setting.doc, ""]
        yield f"- Default: {_default(field)}"
        yield f"- Value: {_accepts(field)}"
        yield f"- Environment: `{_variable(prefix, field)}`"
        yield ""
    for field in sections:
        if field.struct is not None:
            key = f"{prefix}{field.name}"
            yield from [f"## `{_heading(field, key)}`", "", field.setting.doc, ""]
            if field.form is Form.TABLES:
                yield from [f"- Default: {_tables(field)}", ""]
            yield from _reference(field.struct, f"{key}.")


def _default(field: Field) -> str:
    """Return a default as the reference shows it."""
    if field.required:
        return "none, it has to be set"
    if field.setting.computed:
        return field.setting.computed
    value = plain_value(field, field.default)
    return "not set" if value is None else f"`{literal(value)}`"


def _tables(field: Field) -> str:
    """Return the default of an array of tables in words."""
    tables = field.default if isinstance(field.default, tuple) else ()
    shown = [
        ", ".join(f"`{inner.name} = {literal(value)}`" for inner, value in _set_values(table))
        for table in tables
    ]
    return "one table with " + "; one with ".join(shown) if shown else "none"


def _set_values(table: msgspec.Struct) -> Iterator[tuple[Field, object]]:
    for field in fields(type(table)):
        value = plain_value(field, getattr(table, field.name))
        if value is not None:
            yield field, value


def _variable(prefix: str, field: Field) -> str:
    """Return the variable of a setting, with 0 as the number of a table."""
    name = PREFIX
    struct: type[msgspec.Struct] = Settings
    for part in prefix.split(".")[:-1]:
        section = next(inner for inner in fields(struct) if inner.name == part)
        name += part.upper() + ("__0__" if section.form is Form.TABLES else "__")
        struct = section.struct or struct
    return name + field.name.upper()


if __name__ == "__main__":
    sys.stdout.write(render_reference())
