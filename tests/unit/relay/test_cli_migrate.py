"""`sendtrace migrate --from`: a ledger moves by command, and its password stays a secret."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.mail import make_submission
from tests.support.postgres import Server
from tests.unit.relay.test_cli import Run
from tests.unit.relay.test_cli import run as run  # the fixture
from tracker.sqlite import open_ledger

SECRET = "hunter2"


@pytest.fixture
def mailed(tmp_path: Path, run: Run) -> str:
    """A ledger with three messages; its URL."""

    async def fill() -> None:
        ledger = await open_ledger(tmp_path / "old.db")
        for n in range(3):
            now = datetime.now(UTC)
            await ledger.accept(make_submission(f"u{n}@one.example", now=now), now, None)
        await ledger.close()

    asyncio.run(fill())
    return f"sqlite://{tmp_path}/old.db"


def test_a_ledger_moves_to_that_of_the_configuration(run: Run, mailed: str, tmp_path: Path) -> None:
    done = run("migrate", "--from", mailed)
    assert done.status == 0
    assert "3 messages (recipients: 3 queued)" in done.out
    assert "read back and compared: the same" in done.out
    assert done.out.endswith(f"{tmp_path}/old.db is not used any more; start the relay\n")
    assert "copying: 3 of 3 messages" in done.err
    assert len(json.loads(run("trace", "", "--json").out)) == 3
    again = run("migrate", "--from", mailed)
    assert (again.status, again.out) == (
        0,
        f"{tmp_path}/old.db is at var/ledger.db already, all of it\n",
    )


def test_both_ends_may_be_named_and_the_result_is_data(
    run: Run, mailed: str, tmp_path: Path
) -> None:
    done = run("migrate", "--from", mailed, "--to", f"sqlite://{tmp_path}/new.db", "--json")
    data = json.loads(done.out)
    assert done.status == 0
    assert data["complete"] is True
    assert data["target"] == f"{tmp_path}/new.db"
    assert data["comparison"]["messages"] == 3
    assert data["comparison"]["recipients"] == {"queued": 3}
    assert data["comparison"]["differences"] == []


def test_a_ledger_that_moves_elsewhere_is_to_be_named(
    run: Run, mailed: str, tmp_path: Path
) -> None:
    done = run("migrate", "--from", mailed, "--to", f"sqlite://{tmp_path}/new.db")
    assert f'set store.url to "sqlite://{tmp_path}/new.db", then start the relay' in done.out


def test_a_ledger_moves_to_a_server_and_back_and_no_password_is_shown(
    run: Run, mailed: str, tmp_path: Path, postgres: Server
) -> None:
    url = postgres.create_database("moved_by_command")
    url = url.replace("postgres@", f"postgres:{SECRET}@")
    there = run("migrate", "--from", mailed, "--to", url)
    assert there.status == 0
    assert 'set store.url to "postgresql://postgres@/moved_by_command' in there.out
    back = run("migrate", "--from", url, "--to", f"sqlite://{tmp_path}/back.db", "--json")
    assert json.loads(back.out)["comparison"]["messages"] == 3
    elsewhere = run("migrate", "--from", url)
    assert elsewhere.status == 1
    assert "the source was moved to" in elsewhere.err
    missing = url.replace("moved_by_command", "nowhere")
    unknown = run("migrate", "--from", missing)
    wrong = run("migrate", "--from", url + "?host=again")
    assert (unknown.status, wrong.status) == (1, 2)
    for result in (there, back, elsewhere, unknown, wrong):
        assert SECRET not in result.out + result.err
        assert "Traceback" not in result.err
    postgres.drop_database("moved_by_command")


def test_what_has_moved_can_be_taken_back(run: Run, mailed: str) -> None:
    assert run("migrate", "--from", mailed).status == 0
    called_off = run("migrate", "--from", mailed, "--call-off")
    assert "old.db may be used again; never run a relay on" in called_off.out
    assert "was not being moved" in run("migrate", "--from", mailed, "--call-off").out


def test_what_is_moved_is_not_opened(
    run: Run, mailed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("migrate", "--from", mailed).status == 0
    monkeypatch.setenv("SENDTRACE_STORE__URL", mailed)
    refused = run("trace", "")
    assert refused.status == 1
    assert "was moved to" in refused.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--to", "sqlite:new.db"), 2, "need --from"),
        (("--call-off",), 2, "need --from"),
        (("--from", "mysql://db/x"), 2, "--from: the URL starts with sqlite: or postgresql:"),
        (("--from", "sqlite:old.db", "--to", "sqlite:"), 2, "--to: the name of a file is missing"),
        (("--from", "sqlite:missing.db"), 1, "there is no ledger at missing.db"),
        (("--from", "sqlite:missing.db", "--call-off"), 1, "there is no ledger at missing.db"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = run("migrate", *arguments)
    assert (done.status, said in done.err) == (status, True)
    assert not (tmp_path / "missing.db").exists()


def test_a_ledger_that_somebody_has_filled_is_not_touched(
    run: Run, mailed: str, tmp_path: Path
) -> None:
    assert run("migrate").status == 0
    run("account", "add", "alice@example.org", "--password-stdin", stdin="correct horse battery\n")
    done = run("migrate", "--from", mailed)
    assert done.status == 1
    assert "the target is not empty, it has accounts (1); give an empty database" in done.err
