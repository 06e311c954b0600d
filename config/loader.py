"""Finding, reading and judging the configuration.

The file is the first of: the one named on the command line, the one in $SENDTRACE_CONFIG,
/etc/sendtrace/sendtrace.toml. Without any, the built-in defaults serve, with state under ./var.
The environment goes over whatever was read.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from config.checks import check
from config.convert import Reader, origin_of
from config.environment import CONFIG_VARIABLE, overlay
from config.errors import ConfigError, Problem
from config.lines import Lines
from config.plain import to_plain
from config.settings import Settings

__all__ = ["SYSTEM_FILE", "ConfigError", "Loaded", "Problem", "load", "revision_of"]

SYSTEM_FILE: Final = Path("/etc/sendtrace/sendtrace.toml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, the file they came from (None: built-in defaults), and their revision.

    `revision` is 8 hexadecimal characters that change when any effective value changes.
    """

    settings: Settings
    source: Path | None
    revision: str


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    system_file: Path = SYSTEM_FILE,
) -> Loaded:
    """Return the effective settings.

    `path` is the file named by the operator; a named file has to exist. Raises ConfigError with
    every problem of file and environment at once; only a file that cannot be read or is not TOML
    is a problem alone, since nothing else can be judged without it.
    """
    raw, source, lines = _read(path, environ, system_file)
    applied = overlay(Settings, raw, environ)
    reader = Reader(Settings, applied.origins)
    settings = reader.section(Settings, applied.raw)
    problems = applied.problems + reader.problems
    wrong = frozenset(problem.key for problem in problems)
    for finding in check(settings):
        if not finding.rests_on_any(wrong):
            problems.append(_with_origin(finding.problem, applied.origins))
    if problems:
        raise ConfigError(_placed(problem, source, lines) for problem in problems)
    return Loaded(settings, source, revision_of(settings))


def revision_of(settings: Settings) -> str:
    """Return the revision of `settings`: it covers secrets but does not let them be read."""
    text = json.dumps(to_plain(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _with_origin(problem: Problem, origins: Mapping[str, str]) -> Problem:
    """Return `problem` with the variable that gave its key, if one did."""
    origin = origin_of(problem.key, origins)
    return Problem(problem.key, problem.found, problem.expected, problem.hint, origin)


def _placed(problem: Problem, source: Path | None, lines: Lines) -> Problem:
    """Return `problem` with file and line, unless it came from the environment."""
    line = lines.of(problem.key)
    if problem.origin or source is None or line is None:
        return problem
    return msgspec.structs.replace(problem, place=f"{source}:{line}")


def _read(
    path: Path | None, environ: Mapping[str, str], system_file: Path
) -> tuple[dict[str, object], Path | None, Lines]:
    """Return the content of the first file in the look-up order, which that was, and its lines."""
    named = environ.get(CONFIG_VARIABLE)
    origin = CONFIG_VARIABLE if path is None and named else ""
    if path is None:
        path = Path(named) if named else None
    chosen = path or system_file
    try:
        text = chosen.read_bytes().decode()
        return tomllib.loads(text), chosen, Lines(text)
    except (FileNotFoundError, NotADirectoryError):
        if path is None:
            return {}, None, Lines("")
        found = "no such file"
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        found = "a file that is not UTF-8 text"
    except (ValueError, RecursionError) as error:
        # Beside its own error, tomllib lets through those of absurd numbers and depths.
        found = f"a file that is not TOML ({error})"
    raise ConfigError([Problem(str(chosen), found, "a readable TOML file", "", origin)])
