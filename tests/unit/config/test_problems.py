"""Everything that is wrong is said at once, in words that help, and without secrets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.convert import Reader
from config.environment import overlay, variables
from config.errors import ConfigError
from config.schema import Field, fields, leaves
from config.settings import Settings
from tests.unit.config.reading import Load, problems_of


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[[submission.listeners]]\naddress = "127.0.0.1:25"\ntls = "startls"',
            'submission.listeners[0].tls: found "startls", expected one of "none", "starttls", '
            '"implicit"; did you mean "starttls"?',
        ),
        ("workers = 0", 'workers: found 0, expected a whole number of 1 to 1024, or "auto"; too'),
        ('workers = "4"', 'workers: found "4", expected a whole number'),
        ("workers = true", "workers: found true, expected a whole number"),
        (f"workers = 0x{'f' * 5000}", "workers: found a very large number, expected a whole"),
        (f"[retry]\njitter = 1{'0' * 400}", "retry.jitter: found a very large number, expected"),
        (f"[dns]\ncache_size = {2**63}", f"dns.cache_size: found {2**63}, expected a whole number"),
        ("[retry]\njitter = inf", "retry.jitter: found Infinity"),
        ("workers = 2.5", "workers: found 2.5, expected a whole number"),
        ('hostname = "localhost"', "a fully qualified name has a dot"),
        ("hostname = 5", "hostname: found 5, expected a fully qualified domain name"),
        ("[store]\nlease = 30", 'store.lease: found 30, expected a duration such as "30s"'),
        ("[store]\nlease = 30", 'the unit is missing, as in "30s"'),
        ('[store]\nlease = "0s"', "too low"),
        ("[submission]\nmax_message_size = 1000", 'the unit is missing, as in "1000B"'),
        ('[submission]\nmax_message_size = "1B"', "at least 64KiB; too low"),
        ("[submission]\nmatch_sender = 1", "match_sender: found 1, expected true or false"),
        (
            '[submission]\ntrusted_networks = "::1"',
            'trusted_networks: found "::1", expected a list',
        ),
        ('[submission]\ntrusted_networks = ["::1", "x"]', 'trusted_networks[1]: found "x"'),
        ('[submission]\ncertificate = ""', 'submission.certificate: found "", expected a path'),
        ('[dns]\nnameservers = ["ns.example.org"]', "dns.nameservers[0]"),
        ("[delivery]\nport = 65536", "delivery.port: found 65536, expected a whole number of 1 to"),
        ('[delivery]\nsource_address = "eth0"', "delivery.source_address"),
        ('[delivery.timeouts]\nfinal_dot = "9m59s"', "at least 10m; too low"),
        ("[retry]\njitter = nan", "retry.jitter: found NaN"),
        ("[retry]\njitter = 1.5", "expected a number, 0 to 0.9; too high"),
        ("[retry]\nschedule = []", "retry.schedule: found an empty list, expected a list of one"),
        ('[retry]\nschedule = ["5m", "x"]', 'retry.schedule[1]: found "x"'),
        ('[retry]\ndelay_dsn = "of"', 'or "off"'),
        ('[panel]\naddress = "::1:80"', "needs brackets: [::1:80]"),
        ('[panel]\ntime_zone = "Mars/Base"', "no such name"),
        ('[panel]\ntime_zone = "../etc/passwd"', "no such name"),
        ('[panel]\ntime_zone = ""', "no such name"),
        ("hostname = 2026-01-01", "hostname: found 2026-01-01, expected"),
        ("store = 5", "store: found a single value, expected a table, written [store]"),
        (
            "[routes]\nx = 1",
            "routes: found a table, expected an array of tables, written [[routes]]",
        ),
        ("routes = [1]", "routes[0]: found a single value, expected a table"),
        ('[[routes]]\nnext_hop = "h"', "routes[0].domain: found nothing, expected"),
        ('[[routes]]\ndomain = "a b"\nnext_hop = "h"', "routes[0].domain"),
        ('[[routes]]\ndomain = "*"\nnext_hop = "h:0"', "port 0"),
        ('[[routes]]\ndomain = "*"\nnext_hop = "[h]:25"', "write h without brackets"),
    ],
)
def test_a_wrong_value_is_one_line_with_key_found_and_expected(
    text: str, line: str, load_text: Load
) -> None:
    (problem,) = problems_of(lambda: load_text(text))
    assert line in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("mysql://db", "starts with sqlite:"),
        ("var/ledger.db", "starts with sqlite:"),
        ("sqlite://var/ledger.db", "sqlite:///… for an absolute path"),
        ("sqlite::memory:", "would lose accepted mail"),
        ("sqlite:", "name of a file"),
        ("sqlite:///var/", "name of a file"),
        ("sqlite:x.db?mode=ro", "options"),
    ],
)
def test_a_store_url_of_another_kind_is_explained(url: str, hint: str, load_text: Load) -> None:
    (problem,) = problems_of(lambda: load_text(f'[store]\nurl = "{url}"'))
    assert (problem.key, problem.found) == ("store.url", f'"{url}"')
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("worker = 1", "worker", 'did you mean "workers"?'),
        ("[stroe]\nlease = 1", "stroe", 'did you mean "store"?'),
        ("max_recipients = 5", "max_recipients", "it belongs to [submission]"),
        ('[delivery]\nconnect = "1s"', "delivery.connect", "it belongs to [delivery.timeouts]"),
        ('[submission]\naddress = "x"', "submission.address", "[[submission.listeners]]"),
        ("[store]\nworkers = 1", "store.workers", "it belongs to the top level"),
        ("zzzz = 1", "zzzz", ""),
        (
            '[[submission.listeners]]\naddress = "127.0.0.1:1"\nath = "off"',
            "submission.listeners[0].ath",
            'did you mean "auth"?',
        ),
    ],
)
def test_an_unknown_key_gets_a_hint(text: str, key: str, hint: str, load_text: Load) -> None:
    (problem,) = problems_of(lambda: load_text(text))
    assert (problem.key, problem.found) == (key, "an unknown key")
    assert hint in problem.hint
    assert bool(hint) == bool(problem.hint)


def test_all_problems_are_reported_at_once(load_text: Load) -> None:
    text = """
        workers = "many"
        colour = "red"
        [dns]
        timeout = "3 parsecs"
        [[submission.listeners]]
        tls = "maybe"
        [[submission.listeners]]
        address = "127.0.0.1:465"
        tls = "implicit"
        [retry]
        lifetime = "1m"
    """
    with pytest.raises(ConfigError) as caught:
        load_text(text, SENDTRACE_LOG__LEVEL="loud", SENDTRACE_NONSENSE="1")
    keys = {problem.key for problem in caught.value.problems}
    assert keys == {
        "workers",
        "colour",
        "dns.timeout",
        "submission.listeners[0].address",
        "submission.listeners[0].tls",
        "submission.listeners[1].certificate",
        "retry.lifetime",
        "log.level",
        "SENDTRACE_NONSENSE",
    }
    assert len(str(caught.value).splitlines()) == len(keys)


@pytest.mark.parametrize(
    "text",
    [
        '[[routes]]\ndomain="*"\nnext_hop="h"\nusername="u"\npassword=["hunter2"]',
        '[[routes]]\ndomain="*"\nnext_hop="h"\npassword="hunter2"',
        '[[routes]]\ndomain="*"\nnext_hop="h"\npasswort="hunter2"',
        '[store]\nurl="postgresql://relay:hunter2@db"',
        '[store]\nurl="postgresql://relay:hunter2/@db/x"',
        '[store]\nurl="postgresql://relay:1/hunter2@db/x"',
        '[store]\nurl="postgresql://relay:1?hunter2=@db/x"',
        '[store]\nurl="postgresql://relay:hunter2#@db/x"',
        '[store]\nurl="postgresql:relay:hunter2@db/x"',
        '[store]\nurl="postgresql://relay@db/x"\nlisten_url="postgresql://relay:hunter2@db"',
        '[store]\nurl="sqlite:x.db"\npassword="hunter2"',
        '[store]\nurl="postgresql://db/x?user=relay&password=hunter2"',
        '[store]\nurl="sqlite://relay:hunter2@db/x"',
    ],
)
def test_no_problem_shows_a_secret(text: str, load_text: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


# Anything at all

NAMES = sorted({part for key, _ in leaves(Settings) for part in key.split(".")} | {"routes", "x"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
TOP: list[Field] = list(fields(Settings))


@given(st.dictionaries(st.sampled_from([field.name for field in TOP]), VALUES))
def test_any_file_is_settings_or_problems(raw: dict[str, object]) -> None:
    reader = Reader(Settings, {})
    settings = reader.section(Settings, raw)
    assert isinstance(settings, Settings)
    assert all(str(problem).encode() for problem in reader.problems)


@given(st.sampled_from(variables(Settings)), st.text() | VALUES.map(json.dumps))
def test_any_variable_is_a_setting_or_a_problem(name: str, text: str) -> None:
    applied = overlay(Settings, {}, {name: text})
    reader = Reader(Settings, applied.origins)
    reader.section(Settings, applied.raw)
    assert applied.problems == []
    assert {problem.origin for problem in reader.problems} <= {name, ""}
