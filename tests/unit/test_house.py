"""Rules of the house that no linter knows."""

import ast
import math
import re
import statistics
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("config", "tracker", "relay", "web")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
LOOSE_ENDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MAP_ENTRY = re.compile(r"^`(\w+)` ", re.MULTILINE)
SAYS_PURE = re.compile(r"\bPure\b")
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


def length_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield name and length in lines of every function, docstring and signature included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def pins_of(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text(encoding="utf-8")))


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): length_of(path) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}
    assert statistics.median(lengths.values()) <= 150


def test_functions_are_short() -> None:
    lengths = dict(function for path in SOURCES for function in functions_of(path))
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}
    p90 = sorted(lengths.values())[math.ceil(len(lengths) * 0.9) - 1]
    assert p90 <= 30


def docstring_of(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def modules_in(folder: Path) -> set[str]:
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"} | packages


MAPS = {
    path: names
    for path in SOURCES
    if path.name == "__init__.py" and len(names := MAP_ENTRY.findall(docstring_of(path))) > 1
}


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.parent.name)
def test_a_map_of_a_folder_names_what_is_in_it(path: Path) -> None:
    assert sorted(MAPS[path]) == sorted(modules_in(path.parent))


@pytest.mark.parametrize("room", ["tracker", "relay", "web"])
def test_a_room_has_a_map(room: str) -> None:
    assert ROOT / room / "__init__.py" in MAPS


def test_what_says_that_it_is_pure_is_held_to_it() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [
        each
        for each in settings["tool"]["importlinter"]["contracts"]
        if each["name"].startswith("pure modules")
    ]
    held = [tuple(module.split(".")) for module in contract["source_modules"]]
    claims = [
        path.relative_to(ROOT).with_suffix("").parts
        for path in SOURCES
        if SAYS_PURE.search(docstring_of(path))
    ]
    # Inside a ledger nothing can be kept from the ledger.
    held += [("tracker", "sqlite"), ("tracker", "postgres")]
    assert len(claims) > 50
    assert [claim for claim in claims if not any(claim[: len(one)] == one for one in held)] == []


def test_nothing_is_left_for_later() -> None:
    texts = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
    texts += [ROOT / "Makefile", ROOT / "README.md", *(ROOT / "scripts").iterdir()]
    found = [str(path) for path in texts if LOOSE_ENDS.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links)\b", text, re.MULTILINE)
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(pins_of(lock))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_development_lock_holds_what_is_shipped(lock: str) -> None:
    development = pins_of("requirements-dev.lock").items()
    assert dict(pins_of(lock).items() - development) == {}


def installed_by_locks() -> list[Distribution]:
    pinned = {name for lock in LOCKS for name in pins_of(lock)}
    return [
        distribution
        for distribution in distributions()
        if re.sub(r"[-_.]+", "-", distribution.name).lower() in pinned
    ]


def test_no_dependency_brings_a_module_of_our_names() -> None:
    dependencies = installed_by_locks()
    assert len(dependencies) > 30
    taken = [
        f"{distribution.name}: {file}"
        for distribution in dependencies
        for file in distribution.files or ()
        if file.parts[0].removesuffix(".py") in ROOMS
    ]
    assert taken == []
