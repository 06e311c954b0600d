"""The benchmarks do run: a benchmark that nobody can start is a figure that nobody can check."""

import os
import shutil

import pytest

from benchmarks.load import Load
from benchmarks.peers import SENDTRACE
from benchmarks.run import measure, running

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(
        not shutil.which("smtp-source", path=f"{os.environ['PATH']}:/usr/sbin"),
        reason="Postfix, whose smtp-source and smtp-sink are the two ends, is not installed",
    ),
]


def test_a_load_goes_from_end_to_end_and_is_counted() -> None:
    with running(SENDTRACE) as (relay, sink):
        result = measure(relay, sink, Load(messages=20, sessions=4, size=1000, recipients=2))
        assert sink.messages() == 20
        assert relay.delivered is not None
        assert relay.delivered() == 40
    assert result.rate > 0
    assert result.cpu.total > 0
