"""What the documents say of commands, settings, metrics and other pages is so."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from typer.testing import CliRunner

from config.loader import load
from relay import metrics
from relay.cli import app
from tracker.model import Census, Gate, Origin, Outcome, Status
from web.views.metrics import gauges, inbox_gauge, ledger_gauge, node_gauges, text_gauge

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
PAGES += [*sorted(DOCS.rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]
OPERATING = (DOCS / "operating.md").read_text(encoding="utf-8")
SUFFIXES = {"counter": "_total", "info": "_info"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    files = [link.partition("#")[0] for link in links if "://" not in link]
    assert [file for file in files if not (page.parent / file).exists()] == []


def commands() -> Iterator[list[str]]:
    """Yield the words of every `sendtrace …` in a console block of a page."""
    for page in PAGES:
        for block in re.findall(
            r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            for line in re.findall(r"^[$#] (?:\S*/bin/)?sendtrace (.+)$", block, re.MULTILINE):
                command = line.partition(">")[0].partition(" | ")[0]
                yield shlex.split(command, comments=True)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_commands_exist_with_these_options(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output


SAMPLES = [
    sample
    for page in PAGES
    for sample in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if "[[rule]]" not in sample  # a rule for replies, which is no setting
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_configuration_is_one(sample: str, tmp_path: Path) -> None:
    for name in re.findall(r'"(/etc/sendtrace/tls/\S+)"', sample):
        file = tmp_path / Path(name).name
        file.touch()
        sample = sample.replace(name, str(file))
    configuration = tmp_path / "sendtrace.toml"
    configuration.write_text(sample, encoding="utf-8")
    settings = load(configuration, {}).settings
    written = tomllib.loads(sample)
    assert not written.keys() - set(settings.__struct_fields__)
    if "submission" in written:
        assert len(settings.submission.listeners) == len(written["submission"]["listeners"])


def exposed() -> Iterator[Metric]:
    for counter in metrics.ALL:
        yield from counter.source.describe()
    now = datetime(2026, 3, 2, tzinfo=UTC)
    yield from gauges([], {}, None, now)
    yield from node_gauges(Census(now=now, leases=()))
    yield ledger_gauge(answers=True)
    yield inbox_gauge(0)
    yield text_gauge(0)


def test_every_metric_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(sendtrace_\w+)", OPERATING, re.MULTILINE))
    assert documented == {metric.name + SUFFIXES.get(metric.type, "") for metric in exposed()}


def test_the_glossary_knows_the_words_of_the_record() -> None:
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8").lower()
    words = [*Outcome, *Origin, *Gate, *Status]
    special = {Gate.NONE, Gate.LOCAL, Status.QUEUED, Status.CANCELLED}  # plain English
    assert [word for word in words if word not in special and word not in glossary] == []
