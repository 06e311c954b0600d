"""Where the demo keeps its things, how its relay is configured, and what it tells people."""

import json
from dataclasses import dataclass
from pathlib import Path

from config.settings import StoreSettings
from relay.demo.internet import DOMAINS, Internet
from relay.demo.people import ADMIN, USER

_CONFIGURATION = """\
# Made by `sendtrace demo`.
hostname = "relay.northwind.example"
workers = 1
state_directory = {state}
shutdown_grace = "3s"

[store]
url = {url}

[[submission.listeners]]
address = {submission}

[panel]
address = {panel}

[dns]
nameservers = [{nameserver}]

[delivery]
port = {port}
allow_private_destinations = true

[retry]
schedule = ["6s", "12s", "20s", "30s", "1m"]
destination_backoff = ["8s", "15s", "30s", "1m"]
delay_dsn = "40s"
"""

_LOOK_AT = (
    ("amy.chen@bluebird.example", "accepted over TLS; open it for the server's own words"),
    ("status:deferred", "full mailbox, dead server: why, and when the next try is"),
    ("oskar@dropbear.example", "the server hung up after the final dot: uncertain, tried again"),
    ("finn@twodoors.example", "first exchange dead, second one took it"),
    ("dora@nobodyhome.example", "no such user: bounced, with a report to the sender"),
    ("eve@gatekeeper.example", "we are on a blocklist: who can mend that"),
    ("kurt@ghostport.example", "a week old: expires within half a minute"),
    ("gus@fullhouse.example", "held by the administrator; release it on its page"),
)


@dataclass(frozen=True)
class Stage:
    """Where things are."""

    directory: Path
    panel: str
    submission: str
    password: str

    @property
    def configuration(self) -> Path:
        return self.directory / "sendtrace.toml"

    @property
    def store(self) -> StoreSettings:
        return StoreSettings(url=f"sqlite://{self.directory}/ledger.db")

    @property
    def log(self) -> Path:
        return self.directory / "sendtrace.log"

    def write_configuration(self, net: Internet) -> None:
        """Write the relay's configuration; JSON strings are TOML strings."""
        values = {
            "state": str(self.directory / "state"),
            "url": self.store.url,
            "submission": self.submission,
            "panel": self.panel,
            "nameserver": net.nameserver,
        }
        quoted = {name: json.dumps(value) for name, value in values.items()}
        text = _CONFIGURATION.format(port=net.port, **quoted)
        self.configuration.write_text(text, encoding="utf-8")

    def last_words(self) -> str:
        """Return the end of the relay's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-10:])

    def announcement(self) -> str:
        """Return what somebody needs to know who has just started the demo."""
        facts = {
            "The panel": f"http://{self.panel}/?outcome=all",
            "log in as": f"{ADMIN} (sees everything)",
            "or as": f"{USER} (sees her own mail)",
            "password": self.password,
            "submission": f"{self.submission} (send mail of your own)",
            "configuration": str(self.configuration),
            "log": str(self.log),
        }
        return (
            "\n"
            + "".join(f"  {name:<15}{value}\n" for name, value in facts.items())
            + "\n  With All chosen, search the panel for\n"
            + "".join(f"    {query:<28}{what}\n" for query, what in _LOOK_AT)
            + "\n  Mail to these domains goes to simulated servers here, and nowhere else:\n"
            + "".join(f"    {domain.name:<28}{domain.about}\n" for domain in DOMAINS)
        )
