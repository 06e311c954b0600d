"""The simulated internet behaves as its domains promise."""

from collections.abc import AsyncIterator

import aiosmtplib
import dns.asyncresolver
import dns.rdatatype
import dns.resolver
import pytest

from relay.demo import internet
from relay.demo.internet import Internet, exchanges

ADDRESSES = {exchange.host: exchange.address for exchange in exchanges()}


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet.serve() as running:
        yield running


def resolver_of(net: Internet) -> dns.asyncresolver.Resolver:
    address, _, port = net.nameserver.partition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = int(port)
    return resolver


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_exchanges_come_from_mx_records(net: Internet, tcp: bool) -> None:
    answer = await resolver_of(net).resolve("twodoors.example.", "MX", tcp=tcp)
    assert sorted(record.to_text() for record in answer) == [
        "0 mx.ghostport.example.",
        "10 mx.bluebird.example.",
    ]


async def test_every_exchange_has_its_address(net: Internet) -> None:
    for host, address in ADDRESSES.items():
        answer = await resolver_of(net).resolve(f"{host}.", "A")
        assert [record.to_text() for record in answer] == [address]


async def test_a_domain_that_takes_no_mail_says_so(net: Internet) -> None:
    answer = await resolver_of(net).resolve("nomail.example.", "MX")
    assert [record.to_text() for record in answer] == ["0 ."]


async def test_unknown_names_do_not_exist(net: Internet) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await resolver_of(net).resolve("no-such-domain.example.", "MX")
    with pytest.raises(dns.resolver.NoAnswer):
        await resolver_of(net).resolve("mx.bluebird.example.", "MX")


async def send(net: Internet, forward_path: str, **options: bool) -> tuple[int, str]:
    """Return the reply to the final dot. Raises what aiosmtplib raises."""
    host = f"mx.{forward_path.rpartition('@')[2]}"
    async with aiosmtplib.SMTP(
        hostname=ADDRESSES[host], port=net.port, validate_certs=False, start_tls=None
    ) as client:
        await client.mail("anna@northwind.example")
        await client.rcpt(forward_path)
        reply = await client.data(b"Subject: Hi\r\n\r\nHi\r\n")
    return reply.code, reply.message


@pytest.mark.parametrize(
    ("forward_path", "code"),
    [
        ("amy@fullhouse.example", "4.2.2"),
        ("archive@fullhouse.example", "5.2.2"),
        ("amy@nobodyhome.example", "5.1.1"),
        ("amy@gatekeeper.example", "5.7.1"),
    ],
)
async def test_refusals(net: Internet, forward_path: str, code: str) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
        await send(net, forward_path)
    assert refused.value.message.startswith(code)
    assert str(refused.value.code)[0] == code[0]


async def test_acceptance_names_a_queue_id(net: Internet) -> None:
    code, text = await send(net, "amy@bluebird.example")
    assert code == 250
    assert text.startswith("2.0.0 Ok: queued as ")


async def test_greylisting_ends(net: Internet) -> None:
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPRecipientRefused, match="Greylisted"):
            await send(net, "amy@greycastle.example")
    assert (await send(net, "amy@greycastle.example"))[0] == 250


async def test_dropping_says_nothing_after_the_final_dot_and_only_once(net: Internet) -> None:
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(net, "amy@dropbear.example")
    assert (await send(net, "amy@dropbear.example"))[0] == 250


async def test_nobody_listens_at_the_ghost_port(net: Internet) -> None:
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await send(net, "amy@ghostport.example")


async def test_the_first_exchange_speaks_tls(net: Internet) -> None:
    client = aiosmtplib.SMTP(
        hostname=ADDRESSES["mx.bluebird.example"], port=net.port, validate_certs=False
    )
    async with client:
        assert client.get_transport_info("ssl_object") is not None


def test_every_domain_leads_to_a_known_exchange() -> None:
    hosts = {host for domain in internet.DOMAINS for host in domain.exchanges}
    assert hosts - {"."} == set(ADDRESSES)
    assert all(address.startswith("127.") for address in ADDRESSES.values())
