"""A problem says where in the file it is."""

from pathlib import Path

import pytest

from config.lines import Lines
from config.loader import ConfigError, load

TEXT = '''\
# a comment with = in it
hostname = "mail.example.org"   # [not a table]

[store]
url = "sqlite:./a#[b.db"
"lease" = "30s"

[submission]
trusted_networks = [
  "10.0.0.0/8",  # ]
  "x = 5",
]
listeners.x = 1
banner = """
workers = 3
[delivery]
"""
max_recipients = 5

[[submission.listeners]]
address = "127.0.0.1:25"

[[ submission.listeners ]]
address = "127.0.0.1:26"
tls = "none"

[delivery.timeouts]
final_dot = "10m"
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("hostname", 2),
        ("store", 4),
        ("store.url", 5),
        ("store.lease", 6),
        ("store.unknown", 4),
        ("submission.trusted_networks", 9),
        ("submission.trusted_networks[1]", 9),
        ("submission.listeners.x", 13),
        ("workers", None),
        ("submission.max_recipients", 18),
        ("submission.listeners[0].address", 21),
        ("submission.listeners[1]", 23),
        ("submission.listeners[1].tls", 25),
        ("submission.listeners[1].certificate", 23),
        ("delivery.timeouts.final_dot", 28),
        ("delivery.port", None),
    ],
)
def test_the_line_of_a_key(key: str, line: int | None) -> None:
    assert Lines(TEXT).of(key) == line


def test_problems_name_file_and_line_but_not_for_what_the_environment_says(tmp_path: Path) -> None:
    file = tmp_path / "sendtrace.toml"
    file.write_text('workers = "many"\n\n[store]\nleese = "30s"\n\n[[routes]]\ndomain = "*"\n')
    with pytest.raises(ConfigError) as caught:
        load(file, {"SENDTRACE_DELIVERY__PORT": "x"})
    lines = {line.partition(":")[0]: line for line in str(caught.value).splitlines()}
    assert lines["workers"].endswith(f" [{file}:1]")
    assert lines["store.leese"].endswith(f" [{file}:4]")
    assert lines["routes[0].next_hop"].endswith(f" [{file}:6]")
    assert "sendtrace.toml" not in lines["delivery.port (from SENDTRACE_DELIVERY__PORT)"]


def test_what_the_file_leaves_out_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "sendtrace.toml"
    file.write_text('[[submission.listeners]]\naddress = "0.0.0.0:587"\ntls = "starttls"\n')
    with pytest.raises(ConfigError, match=rf"submission\.listeners\[0\].* \[{file}:1\]$"):
        load(file, {})
