"""`sendtrace explain`: a refusal in plain words in a terminal."""

import json
from pathlib import Path

import pytest

from tests.unit.relay.test_cli import Run
from tests.unit.relay.test_cli import run as run  # the fixture


def test_a_reply_is_explained_in_four_lines(run: Run) -> None:
    done = run("explain", "452 4.2.2 Mailbox full")
    assert done.status == 0
    names = [line.partition(":")[0] for line in done.out.splitlines()]
    assert names[:4] == ["What happened", "Who can fix it", "What you can do", "What we do"]
    assert "The recipient's mailbox is full." in done.out
    assert "mailbox-full" in done.out
    assert "enhanced:x.2.2 (RFC 3463 3.3)" in done.out


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_reply_of_many_lines_is_read_from_stdin(run: Run, arguments: tuple[str, ...]) -> None:
    said = "550-5.7.26 Unauthenticated email\n550 5.7.26 is not accepted\n"
    done = run("explain", *arguments, "--json", stdin=said)
    assert done.status == 0
    told = json.loads(done.out)
    assert told["category"] == "authentication"
    assert told["reply"] == said.strip()


def test_the_phase_and_the_host_count(run: Run) -> None:
    done = run("explain", "550 mailbox unavailable", "--phase", "mail", "--json")
    assert json.loads(done.out)["category"] == "sender-rejected"
    host = "x.mail.protection.outlook.com"
    done = run("explain", "550 5.4.1 Access denied", "--host", host, "--json")
    assert json.loads(done.out)["rule"] == "microsoft:access-denied"


def test_what_is_no_refusal_is_a_mistake(run: Run) -> None:
    done = run("explain", "250 OK")
    assert done.status == 2
    assert "no reply code of a refusal" in done.err


def test_control_characters_do_not_reach_the_terminal(run: Run) -> None:
    done = run("explain", "550 \x1b[2J no such user", "--host", "\x1b]0;x")
    assert done.status == 0
    assert "\x1b" not in done.out


def test_an_operators_own_rule_decides_and_is_named_as_such(run: Run) -> None:
    assert run("migrate").status == 0
    added = run("rules", "add", "greylisted", "--words", "computer says no", "--note", "They said")
    id = added.out.split()[0]
    done = run("explain", "450 computer says no")
    assert done.status == 0
    assert f"operator:{id} (your own: They said)" in done.out
    assert "only the shipped ones" not in done.out
    told = json.loads(run("explain", "--json", "450 computer says no").out)
    assert (told["category"], told["rule"]) == ("greylisted", f"operator:{id}")
    assert told["version"].endswith("+1")


def test_without_a_ledger_the_shipped_rules_serve_and_it_is_said(run: Run) -> None:
    done = run("explain", "452 4.2.2 Mailbox full")
    assert done.status == 0
    assert "mailbox-full" in done.out
    assert "only the shipped ones: there is no ledger" in done.out
    as_data = run("explain", "--json", "452 4.2.2 Mailbox full")
    assert json.loads(as_data.out)["rule"] == "enhanced:x.2.2"
    assert "only the shipped rules: there is no ledger" in as_data.err


def test_a_ledger_that_does_not_open_keeps_nothing_from_being_explained(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "ledger.db").write_text("This is no database. " * 100)
    done = run("explain", "452 4.2.2 Mailbox full")
    assert done.status == 0
    assert "enhanced:x.2.2" in done.out
    assert "only the shipped ones: " in done.out


def test_the_ledger_of_a_configuration_that_is_named_has_to_open(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text('hostname = "relay.example.org"\n')
    done = run("explain", "--config", str(file), "452 4.2.2 Mailbox full")
    assert done.status == 1
    assert "there is no ledger" in done.err
