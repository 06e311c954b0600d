"""The command line, against a real ledger in a temporary directory."""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.loader import Loaded
from relay.cli import main
from relay.cli.common import CommandFailed, with_ledger
from tests.support.mail import make_refusal, make_settlement, make_submission
from tests.support.service import COMMAND
from tracker.model import Outcome
from tracker.passwords import Passwords
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.sqlite.migrate import lacking, migrate, shipped
from tracker.store import Ledger, OutcomeUnknown
from tracker.views import Patience


class Result(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with its state in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENDTRACE_HOSTNAME", "relay.example.org")

    def call(*arguments: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "argv", ["sendtrace", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return call


def test_the_version_is_shown_as_a_command_and_as_an_option(run: Run) -> None:
    said = run("version")
    assert said.out.startswith("sendtrace ")
    assert run("--version") == said == Result(0, said.out, "")


@pytest.fixture
def mail(tmp_path: Path, run: Run) -> dict[str, str]:
    """One delivered and one deferred message; message ids by recipient."""
    assert run("migrate").status == 0

    async def fill() -> dict[str, str]:
        ledger = await open_ledger(tmp_path / "var" / "ledger.db")
        now = datetime.now(UTC)
        try:
            lease = await ledger.open_lease("relay.example.org", 0, now, timedelta(seconds=30))
            ids = {}
            for address, outcome in (
                ("bob@example.org", Outcome.DELIVERED),
                ("carol@example.net", Outcome.DEFERRED),
            ):
                submission = make_submission(address, now=now)
                accepted = await ledger.accept(submission, now, lease.token)
                for job in accepted.jobs:
                    await ledger.settle(make_settlement(job, outcome, now=now))
                ids[address] = str(submission.id)
            await ledger.close_lease(lease.token, now)
        finally:
            await ledger.close()
        return ids

    return asyncio.run(fill())


def test_migrate_makes_the_ledger_and_says_so(run: Run, tmp_path: Path) -> None:
    first = run("migrate")
    assert (first.status, "up to date" in first.out) == (0, True)
    assert (tmp_path / "var" / "ledger.db").exists()
    assert "applied" not in run("migrate").out


@pytest.mark.parametrize(
    "arguments", [("account", "list"), ("queue", "list"), ("trace", "to:bob")], ids=" ".join
)
def test_without_a_ledger_it_says_how_to_make_one(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.status == 1
    assert "sendtrace migrate" in result.err


@pytest.mark.parametrize(
    "arguments",
    [("account", "list"), ("queue", "hold", "--all"), ("trace", "to:bob")],
    ids=" ".join,
)
def test_a_ledger_of_an_older_version_is_not_migrated_in_passing(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "var" / "ledger.db"
    migrate(path, shipped()[:3])
    result = run(*arguments)
    assert result.status == 1
    assert "is of an older version (0004_category is missing)" in result.err
    assert len(lacking(path)) == len(shipped()) - 3
    assert "applied 0004_category" in run("migrate").out
    assert run(*arguments).status == 0


def test_a_broken_ledger_does_not_keep_its_wal(run: Run, tmp_path: Path) -> None:
    run("migrate")
    path = tmp_path / "var" / "ledger.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * (path.stat().st_size - 4096))
    result = run("account", "list")
    assert result.status == 1
    assert "every file beside it" in result.err


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.mkdir(), "unable to open database file; the account"),
        (lambda path: path.write_bytes(b"x" * 5000), "it is not a database; put a backup"),
    ],
)
@pytest.mark.parametrize("command", [("migrate",), ("account", "list")])
def test_a_ledger_that_cannot_be_had_is_named_once(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], object],
    why: str,
    command: tuple[str, ...],
) -> None:
    path = tmp_path / "ledger.db"
    make(path)
    monkeypatch.setenv("SENDTRACE_STORE__URL", f"sqlite:///{path}")
    result = run(*command)
    assert result.status == 1
    assert why in result.err
    assert result.err.count(str(path)) == 1


def test_an_act_whose_answer_got_lost_may_have_happened(run: Run, tmp_path: Path) -> None:
    run("migrate")

    async def act(ledger: Ledger, _: Loaded) -> None:
        raise OutcomeUnknown("the connection broke")

    with pytest.raises(
        CommandFailed, match="may have happened all the same: look before you repeat it"
    ):
        with_ledger(None, act)


def test_what_is_not_utf_8_is_refused_with_a_sentence(run: Run) -> None:
    run("migrate")
    added = run("account", "add", "a@example.org", "--password-stdin", stdin="\udcff" * 12)
    assert (added.status, "is not UTF-8" in added.err) == (2, True)
    listed = run("suppression", "list", "\udcff@example.org")
    assert (listed.status, "is not UTF-8" in listed.err) == (2, True)


@pytest.mark.parametrize("arguments", [("config", "default"), ("account", "list")], ids=" ".join)
def test_who_reads_only_the_head_makes_no_failure(tmp_path: Path, arguments: Sequence[str]) -> None:
    command = [str(COMMAND), "migrate"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [str(COMMAND), *arguments],
            cwd=tmp_path,
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [str(COMMAND), "config", "default"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    said = b"sendtrace: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_an_account_is_added_listed_changed_and_removed(run: Run, tmp_path: Path) -> None:
    run("migrate")
    added = run(
        "account", "add", "Alice@Example.ORG", "--role", "admin", "--password-stdin",
        stdin="correct horse\n",
    )  # fmt: skip
    assert added.status == 0
    (listed,) = json.loads(run("account", "list", "--json").out)
    assert (listed["address"], listed["role"]) == ("alice@example.org", "admin")
    assert "password_hash" not in listed
    assert run("account", "password", "alice@example.org").status == 0
    assert run("account", "remove", "alice@example.org").status == 0
    assert json.loads(run("account", "list", "--json").out) == []


def test_a_made_password_is_shown_once_and_works(run: Run, tmp_path: Path) -> None:
    run("migrate")
    shown = run("account", "add", "alice@example.org").out
    password = shown.rpartition(": ")[2].strip()

    async def works() -> bool:
        ledger = await open_ledger(tmp_path / "var" / "ledger.db")
        passwords = Passwords()
        try:
            account = await ledger.account("alice@example.org")
            assert account is not None
            return await passwords.verify(account.address, password, account.password_hash)
        finally:
            passwords.close()
            await ledger.close()

    assert asyncio.run(works())


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "words"),
    [
        (("account", "add", "alice"), "", 2, "full e-mail address"),
        (("account", "add", "a@example.org", "--password-stdin"), "short\n", 2, "12 characters"),
        (("account", "add", "a@example.org", "--password-stdin"), "x" * 1025, 2, "1024 characters"),
        (("account", "remove", "nobody@example.org"), "", 1, "no account"),
        (("account", "password", "nobody@example.org"), "", 1, "no account"),
        (("queue", "retry"), "", 2, "--all"),
        (("queue", "retry", "--all", "to:bob"), "", 2, "not both"),
        (("queue", "reroute", "--all"), "", 2, "either --next-hop or --by-configuration"),
        (("queue", "reroute", "--all", "--next-hop", "a.test", "--by-configuration"), "", 2, "ei"),
        (("queue", "reroute", "--next-hop", "a.test"), "", 2, "--all"),
        (("queue", "reroute", "--all", "--next-hop", "a.test:0"), "", 2, "port 0"),
        (("queue", "reroute", "--all", "--next-hop", "a.test:70000"), "", 2, "is not a port"),
        (("queue", "reroute", "--all", "--next-hop", "u:p@a.test"), "", 2, "--next-hop: found"),
        (("queue", "reroute", "--all", "--next-hop", "a\r\nb.test"), "", 2, "do not print"),
        (("queue", "reroute", "--all", "--next-hop", "a." * 999), "", 2, "300 characters"),
        (("demo", "--directory", "/dev/null/x"), "", 1, "The demo has failed: "),
        (("queue", "show", "nothing"), "", 1, "no message"),
        (("trace", "colour:red"), "", 2, "colour"),
        (("config", "check", "--config", "missing.toml"), "", 2, "missing.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_input_is_named(
    run: Run, arguments: tuple[str, ...], stdin: str, status: int, words: str
) -> None:
    run("migrate")
    result = run(*arguments, stdin=stdin)
    assert (result.status, words in result.err) == (status, True), result
    assert "Traceback" not in result.err


def test_an_address_is_taken_once(run: Run) -> None:
    run("migrate")
    run("account", "add", "alice@example.org")
    again = run("account", "add", "alice@example.org")
    assert (again.status, "exists already" in again.err) == (1, True)


def test_queue_list_shows_what_waits_and_why(run: Run, mail: dict[str, str]) -> None:
    table = run("queue", "list").out
    assert "carol@example.net" in table
    assert "bob@example.org" not in table
    (row,) = json.loads(run("queue", "list", "--json").out)
    assert row["recipient"]["forward_path"] == "carol@example.net"
    assert row["recipient"]["next_attempt_at"]
    assert row["reply"].startswith("4")


def test_queue_show_tells_the_whole_story(run: Run, mail: dict[str, str]) -> None:
    shown = run("queue", "show", mail["bob@example.org"].lower()).out
    assert "attempt 1: delivered" in shown
    assert "accepted" in shown
    timeline = json.loads(run("queue", "show", mail["bob@example.org"], "--json").out)
    assert timeline["attempts"][0]["outcome"] == "delivered"


def test_retry_hold_release_and_cancel_act_on_what_a_search_finds(
    run: Run, mail: dict[str, str]
) -> None:
    assert "1 of 1 recipients will be tried now" in run("queue", "retry", "to:carol").out
    assert "1 of 1 recipients held" in run("queue", "hold", "--all", "--reason", "check").out
    assert "nothing found that could be tried now" in run("queue", "retry", "--all").out
    assert "1 of 1 recipients released" in run("queue", "release", "--all").out
    assert "1 of 1 recipients cancelled" in run("queue", "cancel", mail["carol@example.net"]).out
    shown = run("queue", "show", mail["carol@example.net"]).out
    for word in ("retry-requested", "held", "check", "released", "cancelled", "command line"):
        assert word in shown
    assert json.loads(run("queue", "list", "--json").out) == []


def test_trace_finds_and_quotes_the_remote(run: Run, mail: dict[str, str]) -> None:
    found = run("trace", "to:bob@example.org", "since:2d").out
    assert mail["bob@example.org"] in found
    assert "250" in found
    assert "nothing found" in run("trace", "to:nobody").out
    for pasted in ("Bob <bob@example.org>", f"250 2.0.0 Ok: queued as {mail['bob@example.org']}"):
        found = run("trace", pasted).out
        assert mail["bob@example.org"] in found
        assert mail["carol@example.net"] not in found
    found_now = json.loads(run("trace", "--json").out)
    assert {row["recipient"]["status"] for row in found_now} == {"deferred", "delivered"}


@pytest.mark.parametrize("command", [("trace", "to:nobody"), ("queue", "list")], ids=" ".join)
def test_a_search_that_was_cut_says_so(
    run: Run, mail: dict[str, str], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    assert run(*command).err == ""
    monkeypatch.setattr(SqliteLedger, "search_patience", Patience(timedelta(0), timedelta(0)))
    found = run(*command)
    assert "not searched to the end" in found.err
    assert found.err.count("\n") == 1
    assert json.loads(run(*command, "--json").out) == []


@pytest.mark.parametrize(
    "command", [("trace",), ("trace", "--refused"), ("queue", "list")], ids=" ".join
)
def test_what_is_no_ip_address_is_said(run: Run, command: tuple[str, ...]) -> None:
    run("migrate")
    wrong = run(*command, "ip:999.1.1.1")
    assert (wrong.status, wrong.out) == (2, "")
    assert "“ip:999.1.1.1” names no IP address. Write one such as ip:192.0.2.1" in " ".join(
        wrong.err.split()
    )


def test_trace_lists_what_was_refused(run: Run, tmp_path: Path) -> None:
    run("migrate")
    assert "nothing was refused" in run("trace", "--refused").out

    async def refuse(ledger: Ledger, _: Loaded) -> None:
        await ledger.record_refusals([make_refusal(now=datetime.now(UTC))])

    with_ledger(None, refuse)
    found = run("trace", "--refused", "since:1h").out
    assert "192.0.2.7  from <alice@example.com> to <bob@example.org>: 452 4.5.3 Too many" in found
    assert json.loads(run("trace", "--refused", "--json").out)[0]["command"] == "RCPT"
    assert "nothing was refused" in run("trace", "--refused", "until:1h").out
    found = run("trace", "--refused", "to:@example.org -code:5 ip:192.0.2.7").out
    assert "to <bob@example.org>: 452 4.5.3" in found
    assert "nothing was refused" in run("trace", "--refused", "from:alice -to:bob").out
    wrong = run("trace", "--refused", "status:held")
    assert (wrong.status, "not taken has no status" in wrong.err) == (2, True)


def test_trace_gets_more_refusals_than_a_page_has(run: Run, tmp_path: Path) -> None:
    run("migrate")
    made = [make_refusal(forward_path=f"{n % 2}@example.org") for n in range(1300)]
    with_ledger(None, lambda ledger, _: ledger.record_refusals(made))
    found = run("trace", "--refused", "--json", "--limit", "600", "to:1@example.org").out
    newest = sorted((one.id for one in made[1::2]), reverse=True)
    assert [one["id"] for one in json.loads(found)] == newest[:600]


async def put_much_on_record(ledger: Ledger, _: Loaded) -> None:
    now = datetime.now(UTC)
    addresses = [f"r{n}@example.org" for n in range(1200)]
    await ledger.accept(make_submission(*addresses, now=now), now, None)
    await ledger.record_refusals([make_refusal(now=now) for _ in addresses])


@pytest.mark.parametrize(
    ("verb", "command"),
    [("search", ("trace",)), ("search", ("queue", "list")), ("refusals", ("trace", "--refused"))],
)
@pytest.mark.parametrize(("limit", "pages"), [(20, [20]), (500, [500]), (700, [500, 200])])
def test_no_more_is_read_than_is_wanted(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    command: tuple[str, ...],
    limit: int,
    pages: list[int],
) -> None:
    run("migrate")
    with_ledger(None, put_much_on_record)
    read, look = list[int](), getattr(SqliteLedger, verb)

    async def count(*arguments: Any, **named: Any) -> Any:
        page = await look(*arguments, **named)
        read.append(len(page.rows))
        return page

    monkeypatch.setattr(SqliteLedger, verb, count)
    found = json.loads(run(*command, "--json", "--limit", str(limit)).out)
    assert len(found) == limit
    assert read == pages


def test_config_default_is_a_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sendtrace.toml").write_text(run("config", "default").out)
    assert run("config", "check", "--config", "sendtrace.toml").status == 0
    shown = json.loads(run("config", "show", "--json").out)
    assert shown["hostname"] == "relay.example.org"


def test_config_check_names_everything_that_is_wrong(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('workers = "many"\n[retry]\nlifetime = "7 days"\nlive = 1\n')
    result = run("config", "check", "--config", "bad.toml")
    assert result.status == 2
    for key in ("workers", "retry.lifetime", "retry.live"):
        assert key in result.err


def test_a_handover_is_certified_and_checked(
    run: Run, mail: dict[str, str], tmp_path: Path
) -> None:
    issued = run("proof", "issue", mail["bob@example.org"], "--output", "bob.json")
    assert (issued.status, issued.err) == (0, "")
    fingerprint = run("proof", "key").out.strip()
    checked = run("proof", "verify", "bob.json", "--fingerprint", fingerprint.upper())
    assert checked.status == 0
    assert "GENUINE" in checked.out
    assert "for <bob@example.org>" in checked.out
    told = json.loads(run("proof", "verify", "bob.json", "--json").out)
    assert (told["genuine"], told["expected_key"]) == (True, None)
    run("proof", "issue", mail["bob@example.org"], "BOB@example.org", "--output", "bob.pdf")
    assert (tmp_path / "bob.pdf").read_bytes().startswith(b"%PDF")


def test_a_certificate_that_was_altered_or_signed_by_others_fails(
    run: Run, mail: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "bob.json"
    path.write_text(run("proof", "issue", mail["bob@example.org"]).out)
    other = run("proof", "verify", "bob.json", "--fingerprint", "0000 1111")
    assert (other.status, "another key" in other.err) == (1, True)
    path.write_text(path.read_text().replace("bob@example.org", "eve@example.org"))
    altered = run("proof", "verify", "bob.json")
    assert (altered.status, "ALTERED" in altered.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("issue", "{carol}"), "no server has taken it"),
        (("issue", "{bob}", "eve@example.org"), "name one of its recipients, e.g. bob@example.org"),
        (("issue", "nothing"), "there is no message nothing"),
        (("verify", "nothing.json"), "nothing.json: No such file"),
    ],
)
def test_what_cannot_be_certified_is_told(
    run: Run, mail: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    ids = {"bob": mail["bob@example.org"], "carol": mail["carol@example.net"]}
    result = run("proof", *(argument.format(**ids) for argument in arguments))
    assert result.status == 1
    assert words in result.err


def test_queue_acts_take_a_query_as_the_panel_writes_it(run: Run, mail: dict[str, str]) -> None:
    query = ("--query", "to:carol@example.net status:waiting")
    assert "1 of 1 recipients held" in run("queue", "hold", *query, "--reason", "check").out
    (row,) = json.loads(run("queue", "list", *query, "--json").out)
    assert row["recipient"]["status"] == "held"
    assert "1 of 1 recipients released" in run("queue", "release", *query).out
    assert run("queue", "cancel", *query, "--all").status == 2


def test_mail_that_waits_is_sent_another_way_and_back(run: Run, mail: dict[str, str]) -> None:
    hop, why = ("--next-hop", "Mail.example.net:587"), ("--reason", "MX down")
    sent = run("queue", "reroute", "--all", *hop, *why)
    assert sent.out == "1 of 1 recipients will be sent by way of mail.example.net:587\n"
    shown = run("queue", "show", mail["carol@example.net"]).out
    assert "mail.example.net:587 instead of the MX of example.net; MX down" in shown
    assert "by way of mail.example.net:587" in shown
    assert "(command line)" in shown
    (row,) = json.loads(run("queue", "list", "to:carol", "--json").out)
    assert row["recipient"]["next_hop"] == row["recipient"]["destination"] == "mail.example.net:587"
    again = run("queue", "reroute", "--query", "to:carol", *hop).out
    assert again.splitlines()[0] == (
        "0 of 1 recipients will be sent by way of mail.example.net:587"
    )
    assert again.splitlines()[1].endswith("or go that way already")
    back = run("queue", "reroute", "to:carol", "--by-configuration").out
    assert back == "1 of 1 recipients will be sent as configured\n"
    (row,) = json.loads(run("queue", "list", "to:carol", "--json").out)
    assert (row["recipient"]["next_hop"], row["recipient"]["destination"]) == ("", "example.net")
    assert "nothing found" in run("queue", "reroute", "to:bob", *hop).out


def test_an_address_is_suppressed_and_opened_again(run: Run, mail: dict[str, str]) -> None:
    added = run("suppression", "add", "Carol@Example.net", "--reason", "moved", "--days", "7")
    assert added.out.splitlines() == [
        "carol@example.net suppressed",
        "1 waiting recipients cancelled",
    ]
    assert json.loads(run("queue", "list", "--json").out) == []
    assert "is on the list already" in run("suppression", "add", "carol@example.net").out
    (listed,) = json.loads(run("suppression", "list", "CAROL", "--json").out)
    assert (listed["address"], listed["reason"]) == ("carol@example.net", "moved")
    assert "everybody" in run("suppression", "list").out
    wrong = run("suppression", "remove", "carol@example.net", "--for", "example.com")
    assert wrong.status == 1
    assert "is open again" in run("suppression", "remove", "carol@example.net").out
    assert json.loads(run("suppression", "list", "--json").out) == []
    assert run("suppression", "add", "no address").status == 2


def test_a_suppression_that_closes_nothing_is_refused(run: Run, mail: dict[str, str]) -> None:
    for whose in ("x y", "a@b@c", "-"):
        refused = run("suppression", "add", "carol@example.net", "--for", whose)
        assert (refused.status, f"--for {whose}: " in refused.err) == (2, True)
    assert run("suppression", "add", "carol@example.net", "--days", "999999999").status == 2
    assert json.loads(run("suppression", "list", "--json").out) == []


def test_a_suppression_is_for_the_domain_as_accounts_are_kept(
    run: Run, mail: dict[str, str]
) -> None:
    assert run("suppression", "add", "carol@example.net", "--for", "Bücher.example").status == 0
    (listed,) = json.loads(run("suppression", "list", "--json").out)
    assert listed["domain"] == "xn--bcher-kva.example"


def test_a_doubtful_configuration_is_good_and_the_doubt_is_told(run: Run, tmp_path: Path) -> None:
    text = '[submission]\ntrusted_networks = ["0.0.0.0/0"]\n'
    (tmp_path / "sendtrace.toml").write_text(text, encoding="utf-8")
    result = run("config", "check", "--config", "sendtrace.toml")
    assert (result.status, "configuration is good" in result.out) == (0, True)
    assert "warning: submission.trusted_networks[0]: everybody in" in result.err
