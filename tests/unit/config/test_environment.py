"""The environment over the file."""

import copy
from datetime import timedelta
from pathlib import Path

import pytest

from config.environment import find, overlay, variables
from config.errors import ConfigError, Problem
from config.loader import Loaded, load
from config.schema import leaves
from config.settings import Settings

FILE = """
workers = 2
[submission]
trusted_networks = ["192.0.2.0/24"]
[[submission.listeners]]
address = "127.0.0.1:25"
auth = "off"
[[routes]]
domain = "example.org"
next_hop = "mx.example.org"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sendtrace.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def problems_of(path: Path, **environ: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value.problems


def value_of(loaded: Loaded, key: str) -> object:
    """Return the value at a dotted key; numbers pick from tuples."""
    value: object = loaded.settings
    for part in key.split("."):
        value = value[int(part)] if isinstance(value, tuple) else getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("WORKERS", "4", "workers", 4),
        ("WORKERS", "auto", "workers", "auto"),
        ("HOSTNAME", "mx.example.org", "hostname", "mx.example.org"),
        ("STATE_DIRECTORY", "/srv/state", "state_directory", Path("/srv/state")),
        ("STORE__URL", "sqlite:x.db", "store.url", "sqlite:x.db"),
        ("STORE__LEASE", "1m", "store.lease", timedelta(minutes=1)),
        ("SUBMISSION__MAX_MESSAGE_SIZE", "1MiB", "submission.max_message_size", 2**20),
        ("SUBMISSION__MATCH_SENDER", "no", "submission.match_sender", False),
        ("SUBMISSION__MATCH_SENDER", "TRUE", "submission.match_sender", True),
        ("RETRY__JITTER", "0.25", "retry.jitter", 0.25),
        ("RETRY__JITTER", "0", "retry.jitter", 0.0),
        ("RETRY__DELAY_DSN", "off", "retry.delay_dsn", None),
        ("RETRY__SCHEDULE", "1m, 2m", "retry.schedule", (timedelta(0, 60), timedelta(0, 120))),
        ("RETRY__SCHEDULE", '["1m"]', "retry.schedule", (timedelta(0, 60),)),
        ("DELIVERY__SOURCE_ADDRESS", "", "delivery.source_address", None),
        ("DELIVERY__TIMEOUTS__MAIL", "1m", "delivery.timeouts.mail", timedelta(minutes=1)),
        ("DNS__NAMESERVERS", '["127.0.0.1:5353"]', "dns.nameservers", ("127.0.0.1:5353",)),
        ("DNS__NAMESERVERS", "['127.0.0.1:5353']", "dns.nameservers", ("127.0.0.1:5353",)),
        ("DNS__NAMESERVERS", "[::1]:53", "dns.nameservers", ("[::1]:53",)),
        (
            "DNS__NAMESERVERS",
            "[::1]:53, 127.0.0.1",
            "dns.nameservers",
            ("[::1]:53", "127.0.0.1:53"),
        ),
        ("SUBMISSION__TRUSTED_NETWORKS", "", "submission.trusted_networks", ()),
        (
            "SUBMISSION__LISTENERS__0__ADDRESS",
            "[::1]:26",
            "submission.listeners.0.address",
            "[::1]:26",
        ),
        ("SUBMISSION__LISTENERS__0__ADDRESS", "[::1]:26", "submission.listeners.0.auth", "off"),
        (
            "SUBMISSION__LISTENERS__1__ADDRESS",
            "[::1]:26",
            "submission.listeners.1.address",
            "[::1]:26",
        ),
        (
            "SUBMISSION__LISTENERS",
            '[{"address": "[::1]:27", "certificate": null}]',
            "submission.listeners.0.address",
            "[::1]:27",
        ),
        ("ROUTES", '[{domain = "*", next_hop = "h"}]', "routes.0.domain", "*"),
        ("ROUTES", "[]", "routes", ()),
    ],
)
def test_a_variable_overrides_the_file(
    name: str, text: str, key: str, value: object, file: Path
) -> None:
    assert value_of(load(file, {f"SENDTRACE_{name}": text}), key) == value


def test_every_setting_has_a_variable_that_is_found() -> None:
    names = variables(Settings)
    assert len(names) == len(set(names))
    leaf_targets = {
        ".".join(part for part in target.place if isinstance(part, str))
        for name in names
        if (target := find(Settings, name)) is not None and target.declared.is_leaf
    }
    assert leaf_targets == {key.replace("[]", "") for key, _ in leaves(Settings)}


def test_a_single_field_changes_the_default_table(tmp_path: Path) -> None:
    environ = {"SENDTRACE_SUBMISSION__LISTENERS__0__AUTH": "off"}
    (listener,) = load(None, environ, system_file=tmp_path / "absent").settings.submission.listeners
    assert (listener.address, listener.auth) == ("127.0.0.1:2525", "off")


def test_a_single_field_changes_a_table_given_as_a_whole(file: Path) -> None:
    environ = {
        "SENDTRACE_ROUTES__0__NEXT_HOP": "second.example",
        "SENDTRACE_ROUTES": '[{"domain": "*", "next_hop": "first.example"}]',
    }
    (route,) = load(file, environ).settings.routes
    assert (route.domain, route.next_hop) == ("*", "second.example")


def test_the_file_itself_and_other_programs_variables_are_no_settings(file: Path) -> None:
    environ = {"SENDTRACE_CONFIG": str(file), "PATH": "/bin", "SENDTRACED_X": "1"}
    assert load(None, environ).settings.workers == 2


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SENDTRACE_STORE_URL", "did you mean SENDTRACE_STORE__URL?"),
        ("SENDTRACE_WORKER", "did you mean SENDTRACE_WORKERS?"),
        ("SENDTRACE_workers", "did you mean SENDTRACE_WORKERS?"),
        ("SENDTRACE_CONFIGURATION", "did you mean SENDTRACE_CONFIG?"),
        ("SENDTRACE_STORE", ""),
        ("SENDTRACE_", ""),
        ("SENDTRACE_QQQQQQQQQQQQQQQQQQQQQQQQ", ""),
        (
            "SENDTRACE_SUBMISSION__LISTENERS__0__ADRESS",
            "did you mean SENDTRACE_SUBMISSION__LISTENERS__0__ADDRESS?",
        ),
        (
            "SENDTRACE_SUBMISSION__LISTENERS__ADDRESS",
            "did you mean SENDTRACE_SUBMISSION__LISTENERS__0__ADDRESS?",
        ),
        ("SENDTRACE_WORKERS__0", "did you mean SENDTRACE_WORKERS?"),
    ],
)
def test_an_unknown_variable_is_a_problem(name: str, hint: str, file: Path) -> None:
    (problem,) = problems_of(file, **{name: "hunter2"})
    assert (problem.key, problem.found) == (name, "an unknown variable")
    assert hint in problem.hint
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("SENDTRACE_WORKERS", "four", "workers"),
        ("SENDTRACE_SUBMISSION__MATCH_SENDER", "maybe", "submission.match_sender"),
        ("SENDTRACE_RETRY__JITTER", "much", "retry.jitter"),
        ("SENDTRACE_DNS__NAMESERVERS", "a.example", "dns.nameservers[0]"),
        ("SENDTRACE_DNS__NAMESERVERS", "::1", "dns.nameservers[0]"),
        ("SENDTRACE_DNS__NAMESERVERS", "[1", "dns.nameservers[0]"),
        ("SENDTRACE_HOSTNAME", "b\udcff.example", "hostname"),
        ("SENDTRACE_STATE_DIRECTORY", "b\udcff", "state_directory"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, text: str, key: str, file: Path) -> None:
    (problem,) = problems_of(file, **{name: text})
    assert (problem.key, problem.origin) == (key, name)
    assert f"{key} (from {name})" in str(problem)
    assert str(problem).encode()


def test_a_condition_between_settings_names_the_variable(file: Path) -> None:
    (problem,) = problems_of(file, SENDTRACE_RETRY__LIFETIME="1m")
    assert problem.origin == "SENDTRACE_RETRY__LIFETIME"


def test_a_text_that_is_no_list_of_tables_is_not_shown(file: Path) -> None:
    (problem,) = problems_of(file, SENDTRACE_ROUTES='[{"password": "hunter2"')
    assert (problem.key, problem.found) == ("routes", "a text")


def test_tables_are_numbered_without_gaps(file: Path) -> None:
    (problem,) = problems_of(file, SENDTRACE_ROUTES__5__DOMAIN="*")
    assert (problem.key, problem.found) == ("SENDTRACE_ROUTES__5__DOMAIN", "table 5")


def test_a_file_with_a_value_for_a_section_is_reported_beside_the_variable(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text("store = 5", encoding="utf-8")
    (problem,) = problems_of(path, SENDTRACE_STORE__URL="sqlite:x.db")
    assert problem.key == "store"


def test_what_the_file_said_stays_as_it_was() -> None:
    raw: dict[str, object] = {"routes": [{"domain": "a.example"}], "log": {"level": "info"}}
    before = copy.deepcopy(raw)
    environ = {"SENDTRACE_ROUTES__0__DOMAIN": "*", "SENDTRACE_LOG__LEVEL": "debug"}
    assert overlay(Settings, raw, environ).raw != before
    assert raw == before


# Values in files


def test_a_secret_is_read_from_a_file(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("  hunter2 \n", encoding="utf-8")
    environ = {
        "SENDTRACE_ROUTES__0__USERNAME": "relay",
        "SENDTRACE_ROUTES__0__PASSWORD_FILE": str(secret),
    }
    assert load(file, environ).settings.routes[0].password == "hunter2"


def test_any_key_may_be_given_by_a_file(file: Path, tmp_path: Path) -> None:
    value = tmp_path / "value"
    value.write_text("9\n", encoding="utf-8")
    assert load(file, {"SENDTRACE_WORKERS_FILE": str(value)}).settings.workers == 9


def test_a_value_of_a_file_that_cannot_be_read_is_a_problem(file: Path, tmp_path: Path) -> None:
    latin = tmp_path / "latin"
    latin.write_bytes(b"\xff")
    for path in (tmp_path / "absent", tmp_path, latin):
        (problem,) = problems_of(file, SENDTRACE_WORKERS_FILE=str(path))
        assert (problem.key, problem.origin) == ("workers", "SENDTRACE_WORKERS_FILE")
        assert str(path) in problem.found


def test_one_key_has_one_variable(file: Path, tmp_path: Path) -> None:
    value = tmp_path / "value"
    value.write_text("9", encoding="utf-8")
    (problem,) = problems_of(file, SENDTRACE_WORKERS="1", SENDTRACE_WORKERS_FILE=str(value))
    assert problem.key == "SENDTRACE_WORKERS_FILE"
    assert "SENDTRACE_WORKERS has it" in problem.hint
