"""One message, from the job to the server's final word."""

from tests.support.outward import TEXT, Octets, make_job, outward
from tests.support.server import (
    CONTENT,
    DATA,
    EHLO_BARE,
    GREETING,
    HAPPY,
    MAIL,
    QUIT,
    RCPT,
    ScriptedServer,
)
from tracker.model import Origin, Outcome, Phase


async def test_a_message_is_delivered_with_all_its_evidence() -> None:
    async with ScriptedServer(HAPPY) as server, outward(port=server.port) as relay:
        job = make_job("bob@mx.test")
        attempt = await relay.attempt(job)
    assert (attempt.outcome, attempt.origin) == (Outcome.DELIVERED, Origin.REMOTE)
    assert attempt.phase is Phase.FINAL_DOT
    assert attempt.reply is not None
    assert attempt.reply.text == "250 2.0.0 Ok: queued as 4XYZabc123"
    assert attempt.remote_queue_id == "4XYZabc123"
    assert attempt.target is not None
    assert (attempt.target.host, attempt.target.address) == ("mx.test", "127.0.0.1")
    assert attempt.target.preference == 10
    assert (attempt.number, attempt.node, attempt.config_revision) == (1, "node-1", "r1")
    (tried,) = attempt.tries
    assert tried.source_address == "127.0.0.1"
    assert tried.ehlo_name == "relay.test"
    assert tried.extensions == ("PIPELINING", "8BITMIME", "SIZE", "DSN")
    assert [step.command for step in tried.steps] == [
        "(greeting)",
        "EHLO relay.test",
        f"MAIL FROM:<sender@example.org> SIZE={len(TEXT)}",
        "RCPT TO:<bob@mx.test>",
        "DATA",
        ".",
    ]
    assert relay.flights.entered == [job.recipients[0].id]
    assert server.contents == [TEXT]


async def test_a_server_without_extensions_gets_one_command_at_a_time() -> None:
    script = (GREETING, EHLO_BARE, MAIL, RCPT, DATA, CONTENT, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job("bob@mx.test"))
    assert attempt.outcome is Outcome.DELIVERED
    assert "MAIL FROM:<sender@example.org>" in server.lines


async def test_content_crosses_chunks_and_blocks_dot_stuffed() -> None:
    text = b"Subject: dots\r\n\r\n" + b".\r\n..\r\n.x\r\nplain\r\n" * 20_000
    stuffed = b"Subject: dots\r\n\r\n" + b"..\r\n...\r\n..x\r\nplain\r\n" * 20_000
    for chunk in (7, 4096, 65_536, 262_144):
        async with ScriptedServer(HAPPY) as server, outward(port=server.port) as relay:
            attempt = await relay.attempt(make_job("bob@mx.test"), Octets(text, chunk))
        assert attempt.outcome is Outcome.DELIVERED
        assert server.contents == [stuffed]
