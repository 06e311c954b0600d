"""Where the configuration is read from, and its revision."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from config.loader import load
from config.settings import Settings
from tests.unit.config.reading import Load, problems_of

# Where it is read from


def write(path: Path, workers: int) -> Path:
    path.write_text(f"workers = {workers}", encoding="utf-8")
    return path


def test_the_file_is_looked_up_in_order(tmp_path: Path) -> None:
    named, variable, system = (write(tmp_path / f"{n}.toml", n) for n in (1, 2, 3))
    environ = {"SENDTRACE_CONFIG": str(variable)}
    absent = tmp_path / "absent.toml"

    cases = [
        (load(named, environ, system_file=system), named, 1),
        (load(None, environ, system_file=system), variable, 2),
        (load(None, {}, system_file=system), system, 3),
        (load(None, {"SENDTRACE_CONFIG": ""}, system_file=system), system, 3),
        (load(None, {}, system_file=absent), None, "auto"),
    ]
    for loaded, source, workers in cases:
        assert (loaded.source, loaded.settings.workers) == (source, workers)


def test_without_a_file_the_defaults_serve(tmp_path: Path) -> None:
    assert load(None, {}, system_file=tmp_path / "no" / "file").settings == Settings()


def test_the_environment_of_the_process_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("SENDTRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SENDTRACE_WORKERS", "7")
    assert load(write(tmp_path / "a.toml", 1)).settings.workers == 7


@pytest.mark.parametrize("by_variable", [False, True], ids=["argument", "variable"])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no such file"),
        (b"workers = ", "not TOML"),
        (b"workers = 1\nworkers = 2", "not TOML"),
        (b"# \xff", "not UTF-8"),
        (b"workers = " + b"9" * 5000, "not TOML"),
        (b"workers = " + b"[" * 5000, "not TOML"),
    ],
    ids=["missing", "broken", "twice", "latin-1", "absurd number", "absurd depth"],
)
def test_a_named_file_has_to_be_toml(
    content: bytes | None, found: str, by_variable: bool, tmp_path: Path
) -> None:
    path = tmp_path / "named.toml"
    if content is not None:
        path.write_bytes(content)
    environ = {"SENDTRACE_CONFIG": str(path)} if by_variable else {}
    (problem,) = problems_of(lambda: load(None if by_variable else path, environ))
    assert problem.key == str(path)
    assert found in problem.found
    assert problem.origin == ("SENDTRACE_CONFIG" if by_variable else "")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: load(tmp_path, {}))
    assert "cannot be read" in problem.found


def test_a_broken_system_file_is_not_passed_over(tmp_path: Path) -> None:
    system = tmp_path / "sendtrace.toml"
    system.write_text("[", encoding="utf-8")
    (problem,) = problems_of(lambda: load(None, {}, system_file=system))
    assert problem.key == str(system)


def test_the_file_of_the_design_loads(load_text: Load) -> None:
    settings = load_text("""
        hostname = "mail.example.org"
        workers  = 2
        [store]
        url   = "sqlite:///var/lib/sendtrace/ledger.db"
        lease = "30s"
        [[submission.listeners]]
        address = "127.0.0.1:2525"
        tls  = "none"
        auth = "optional"
        [submission]
        trusted_networks = ["127.0.0.0/8", "::1/128"]
        max_message_size = "25MiB"
        max_recipients   = 1000
        [dns]
        nameservers = ["127.0.0.1:5353"]
        [delivery]
        port = 25
        allow_private_destinations = false
        [[routes]]
        domain   = "*"
        next_hop = "smarthost.example.net:587"
        [retry]
        lifetime = "7d"
        schedule = ["5m", "10m", "15m", "30m", "1h", "2h", "4h"]
        [tracking]
        retention = "60d"
        [panel]
        address = "127.0.0.1:8080"
    """).settings
    assert settings.workers == 2
    assert settings.store.sqlite_path() == Path("/var/lib/sendtrace/ledger.db")
    assert settings.submission.max_message_size == 25 * 1024 * 1024
    assert settings.retry.schedule[-1] == timedelta(hours=4)
    assert settings.routes[0].target(25) == ("smarthost.example.net", 587)


# Revision


def test_the_revision_changes_with_values_and_with_nothing_else(load_text: Load) -> None:
    route = '[[routes]]\ndomain="*"\nnext_hop="h:587"\ntls="verified"\nusername="u"\npassword='
    texts = ["workers = 1", "workers = 2", f'{route}"a"', f'{route}"b"']
    revisions = [load_text(text).revision for text in texts]
    assert len(set(revisions)) == 4
    assert all(len(revision) == 8 and int(revision, 16) >= 0 for revision in revisions)
    assert load_text("# other words\nworkers=1").revision == revisions[0]
    assert load_text("", SENDTRACE_WORKERS="1").revision == revisions[0]
