"""Postfix, as Debian ships it, as the mail exchanger of several domains.

An instance of its own: configuration, queue, data and mailboxes are in one directory, the
system's own Postfix is not touched. Each domain has its own address of the loopback and thereby
its own manners.
"""

import os
import pwd
import re
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from relay.demo.certificate import make_self_signed
from tests.acceptance import system
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

ACCEPTING = "127.0.0.2"
"""Takes mail for the mailboxes it knows, rejects the rest."""
GREYLISTING = "127.0.0.3"
"""Answers 450 to every RCPT until `Postfix.stop_greylisting`."""
STOPPED = "127.0.0.4"
"""Nobody listens here."""

MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/maillog
maillog_file_prefixes = {directory}
mail_owner = postfix
myhostname = mx.accepting.test
mydestination =
mynetworks = 127.0.0.255/32
inet_interfaces = loopback-only
inet_protocols = ipv4
local_header_rewrite_clients =
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_cert_file = {directory}/certificate.pem
smtpd_tls_key_file = {directory}/key.pem
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {directory}/mailboxes
virtual_mailbox_maps = texthash:{directory}/mailboxes.map
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
message_size_limit = 52428800
"""

SERVICES = """\
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
{accepting}:{port}   inet n - n - - smtpd
{greylisting}:{port} inet n - n - - smtpd
    -o smtpd_recipient_restrictions=check_recipient_access,texthash:{directory}/greylist.map
"""


@dataclass(frozen=True)
class Postfix:
    """A running instance."""

    directory: Path
    port: int
    mailboxes: Sequence[str]
    root: Sequence[str]

    def messages(self, mailbox: str) -> list[bytes]:
        """Return the messages in the maildir of `mailbox`, oldest first."""
        if mailbox not in self.mailboxes:
            raise KeyError(mailbox)
        new = self.directory / "mailboxes" / mailbox / "new"
        found = sorted(new.glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_bytes() for path in found]

    def wait_for_messages(self, mailbox: str, count: int = 1, timeout: float = 150) -> list[bytes]:
        """Return the messages of `mailbox` as soon as there are at least `count`."""
        wait_until(
            lambda: len(self.messages(mailbox)) >= count, f"{count} in {mailbox}", timeout=timeout
        )
        return self.messages(mailbox)

    def stop_greylisting(self) -> None:
        """Let the greylisting domain accept from now on."""
        (self.directory / "greylist.map").write_text("", encoding="utf-8")
        self.run("reload")
        wait_until(self._greylisting_is_over, "Postfix to reload")

    def _greylisting_is_over(self) -> bool:
        mailbox = next(box for box in self.mailboxes if box.endswith("@greylisting.test"))
        try:
            with smtplib.SMTP(GREYLISTING, self.port) as client:
                client.helo()
                client.mail("")
                return client.rcpt(mailbox)[0] == 250
        except (OSError, smtplib.SMTPException):  # it reloads just now
            return False

    def log(self) -> str:
        """Return what Postfix has logged so far."""
        return (self.directory / "maillog").read_text(encoding="utf-8", errors="replace")

    def queue_ids(self, forward_path: str, count: int = 1) -> set[str]:
        """Return the queue ids under which Postfix delivered to `forward_path`.

        At least `count` are waited for: a message is in its mailbox before the log says so.
        """
        pattern = rf"virtual\[\d+\]: (\w+): to=<{re.escape(forward_path)}>.* status=sent"

        def found() -> set[str]:
            ids = set(re.findall(pattern, self.log()))
            return ids if len(ids) >= count else set()

        return wait_until(found, f"{count} deliveries to {forward_path} in the log")

    def run(self, command: str) -> None:
        """Run `postfix COMMAND` on this instance."""
        postfix = str(system.find("postfix"))
        subprocess.run(
            [*self.root, postfix, "-c", str(self.directory), command],
            check=True,
            capture_output=True,
            timeout=150,
        )


@contextmanager
def serve_mailboxes(mailboxes: Sequence[str]) -> Iterator[Postfix]:
    """Start an instance with these mailboxes; stop it at the end.

    Its directory is directly below the system's temporary directory, because the account that
    Postfix runs under cannot enter those that pytest makes.
    """
    system.require("postfix")
    root = system.as_root()
    directory = Path(tempfile.mkdtemp(prefix="sendtrace-postfix-"))
    port = free_port(ACCEPTING, GREYLISTING, STOPPED)
    postfix = Postfix(directory=directory, port=port, mailboxes=mailboxes, root=root)
    _write_configuration(postfix)
    postfix.run("start")
    try:
        for address in (ACCEPTING, GREYLISTING):
            wait_until(partial(is_listening, address, port), f"Postfix at {address}")
        yield postfix
    finally:
        postfix.run("stop")
        subprocess.run([*root, "rm", "-rf", str(directory)], check=True)


def _write_configuration(postfix: Postfix) -> None:
    directory = postfix.directory
    directory.chmod(0o755)
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    for name in ("queue", "data", "mailboxes"):
        (directory / name).mkdir()
    if os.geteuid() == 0:
        shutil.chown(directory / "mailboxes", owner.pw_uid, owner.pw_gid)
    subprocess.run([*postfix.root, "chown", "postfix", str(directory / "data")], check=True)
    certificate, key = make_self_signed("mx.accepting.test", ACCEPTING, datetime.now(UTC))
    (directory / "certificate.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    names = {
        "directory": directory,
        "port": postfix.port,
        "accepting": ACCEPTING,
        "greylisting": GREYLISTING,
        "domains": " ".join(sorted({box.partition("@")[2] for box in postfix.mailboxes})),
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
    }
    maildirs = "".join(f"{box} {box}/\n" for box in postfix.mailboxes)
    for name, text in {
        "main.cf": MAIN.format(**names),
        "master.cf": SERVICES.format(**names),
        "mailboxes.map": maildirs,
        "greylist.map": "greylisting.test 450 4.2.0 Greylisted, please come back\n",
    }.items():
        (directory / name).write_text(text, encoding="utf-8")
