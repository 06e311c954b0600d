"""The handover certificate of one recipient, as JSON and on paper; and the key that signs it."""

import asyncio
import base64
from typing import Final

from aiohttp import web

from tracker.proof import (
    NoHandover,
    Seal,
    SealUnfit,
    Statement,
    document,
    fingerprint,
    key_path,
    open_seal,
    print_certificate,
    state,
)
from tracker.version import own_version
from web.errors import excuse
from web.panel import Viewer, Visit
from web.views.story import chosen, find

_PRINTING: Final = asyncio.Semaphore(1)
"""A page takes a moment of a whole core; the panel has others to serve."""


async def show_document(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the signed statement as JSON."""
    return await _answer(visit, viewer, "json")


async def show_paper(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the certificate as PDF."""
    return await _answer(visit, viewer, "pdf")


async def show_key(visit: Visit) -> web.StreamResponse:
    """Answer with the public key, for whoever has a certificate to check."""
    try:
        seal = await _seal(visit)
    except SealUnfit as problem:
        visit.log.error("certificate cannot be signed", problem=str(problem))
        raise web.HTTPServiceUnavailable from None
    return web.json_response(
        {
            "hostname": visit.panel.settings.hostname,
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(seal.public_key).decode(),
            "fingerprint": fingerprint(seal.public_key),
        }
    )


async def _answer(visit: Visit, viewer: Viewer, kind: str) -> web.StreamResponse:
    timeline = await find(visit, viewer)
    (recipient,) = chosen(timeline, [visit.request.query.get("recipient", "")])
    try:
        statement = state(
            timeline,
            recipient,
            issued_by=visit.panel.settings.hostname,
            software=f"Sendtrace {own_version()}",
            now=visit.now,
        )
        seal = await _seal(visit)
    except NoHandover as problem:
        return excuse(visit, 409, "There is nothing to certify", str(problem))
    except SealUnfit as problem:
        visit.log.error("certificate cannot be signed", problem=str(problem))
        return excuse(visit, 503, "Certificates cannot be signed now", "Tell the operators.")
    body, content_type = await _write(statement, seal, kind)
    name = f"handover-{recipient.id}.{kind}"
    return web.Response(
        body=body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _write(statement: Statement, seal: Seal, kind: str) -> tuple[bytes, str]:
    signed = document(statement, seal)
    if kind == "json":
        return signed, "application/json"
    async with _PRINTING:
        paper = await asyncio.to_thread(print_certificate, statement, signed, seal.public_key)
    return paper, "application/pdf"


async def _seal(visit: Visit) -> Seal:
    return await asyncio.to_thread(open_seal, key_path(visit.panel.settings))
