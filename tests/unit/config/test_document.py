"""The rendered documents: the default file, the reference and the effective configuration."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from config.document import render_default, render_effective, render_reference
from config.environment import find
from config.loader import Loaded, load
from config.schema import leaves
from config.settings import Settings

ROOT = Path(__file__).parents[3]


def load_text(text: str, folder: Path) -> Loaded:
    path = folder / "sendtrace.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {})


def test_the_default_file_loads_and_equals_the_defaults(tmp_path: Path) -> None:
    assert load_text(render_default(), tmp_path).settings == Settings()


def test_the_default_file_has_every_setting() -> None:
    keys = [key.rpartition(".")[2] for key, _ in leaves(Settings)]
    found = re.findall(r"^#?([a-z_]+) = ", render_default(), re.MULTILINE)
    assert sorted(found) == sorted(keys)


def test_the_examples_in_the_default_file_load(tmp_path: Path) -> None:
    uncommented = re.sub(r"^#(?=[a-z\[])", "", render_default(), flags=re.MULTILINE)
    # Some of them are of a ledger in PostgreSQL.
    shared = uncommented.replace('url = "sqlite:./var/ledger.db"', 'url = "postgresql://db/x"')
    settings = load_text(shared, tmp_path).settings
    assert settings.hostname == "mail.example.org"
    assert settings.store.is_postgresql
    assert settings.routes[0].next_hop == "smarthost.example.net:587"
    assert settings.submission.listeners[0].certificate is not None


def test_lines_of_the_default_file_fit_a_terminal() -> None:
    assert max(map(len, render_default().splitlines())) <= 100


def test_the_reference_in_docs_is_current() -> None:
    stale = "renew it: python -m config.document > docs/configuration.md"
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == render_reference(), stale


def test_the_reference_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = render_reference()
    monkeypatch.setattr("socket.gethostname", lambda: "other.example.org")
    assert render_reference() == before


def test_the_module_prints_the_reference() -> None:
    command = [sys.executable, "-m", "config.document"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode() == render_reference()


def test_the_reference_has_a_heading_for_every_setting() -> None:
    headings = re.findall(r"^### `(.+)`$", render_reference(), re.MULTILINE)
    assert sorted(headings) == sorted(key.replace("[]", "") for key, _ in leaves(Settings))


def test_the_variables_in_the_reference_are_understood() -> None:
    names = re.findall(r"^- Environment: `(.+)`$", render_reference(), re.MULTILINE)
    assert len(names) == len(list(leaves(Settings)))
    assert [name for name in names if find(Settings, name) is None] == []


CHANGED = r"""
hostname = "mail.example.org"
workers = 3
[submission]
listeners = []
private_key = 'C:\odd "path"'
certificate = "tab\tand\u007Fdelete"
[dns]
nameservers = ["127.0.0.1:5353", "[::1]:53"]
[retry]
delay_dsn = "off"
jitter = 0
schedule = ["1m30s", "1d"]
[[routes]]
domain = "*.example.org"
next_hop = "mx.example.net"
[[routes]]
domain = "*"
next_hop = "[2001:db8::1]:25"
tls = "verified"
"""


@pytest.mark.parametrize("text", ["", CHANGED], ids=["defaults", "changed"])
def test_the_effective_configuration_loads_and_is_the_same(text: str, tmp_path: Path) -> None:
    loaded = load_text(text, tmp_path)
    again = load_text(render_effective(loaded.settings), tmp_path)
    assert again.settings == loaded.settings
    assert again.revision == loaded.revision


def test_the_effective_configuration_shows_no_secret(tmp_path: Path) -> None:
    text = """
    [[routes]]
    domain = "*"
    next_hop = "mx.example.net"
    username = "relay"
    password = "hunter2"
    tls = "verified"
    """
    shown = render_effective(load_text(text, tmp_path).settings)
    assert "hunter2" not in shown
    route = tomllib.loads(shown)["routes"][0]
    assert (route["username"], route["password"]) == ("relay", "(secret)")


def test_the_effective_configuration_names_revision_and_source(tmp_path: Path) -> None:
    loaded = load_text("", tmp_path)
    head, _, rest = render_effective(loaded.settings, loaded.source).partition("\n")
    assert loaded.revision in head
    assert str(tmp_path / "sendtrace.toml") in head
    bare, _, same = render_effective(loaded.settings).partition("\n")
    assert (bare, same) == (f"# Revision {loaded.revision}.", rest)
