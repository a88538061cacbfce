"""Server-sent events: a page that is open hears when its link or attempt has changed, and where to go then."""

from collections.abc import Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout import desk, offers, states
from payglot.checkout.addresses import ByToken
from payglot.checkout.desk import Visit, desk_of
from payglot.operations import links
from payglot.web import live

Look = Callable[[Visit], tuple[str, str, str | None]]
"""What the page depends on, a word for it, and where the browser goes on to."""


async def link(request: Request, token: str) -> Response:
    def look(visit: Visit) -> tuple[str, str, str | None]:
        return offers.seen(visit), visit.dossier.link.status, None

    return await _follow(request, token, look)


async def attempt(request: Request, token: str, payment_id: UUID, key: str) -> Response:
    def look(visit: Visit) -> tuple[str, str, str | None]:
        payment = desk.attempt(visit, payment_id, key)
        return states.seen(visit, payment), payment.status, visit.way_out(payment)

    return await _follow(request, token, look)


async def _follow(request: Request, token: str, look: Look) -> Response:
    """`seen` in the query is what the page shows: a change while the stream was not open is told at once."""
    services, home = desk_of(request).services, ByToken(token=token)
    shown = request.query_params.get("seen", "")
    async with services.database.single() as tx:
        visit = await desk.visit(tx, request, home)
    look(visit)
    told: int | None = None

    async def round() -> bytes:
        nonlocal told
        async with services.database.single() as tx:
            sequence = await links.sequence(tx, visit.dossier.link.id)
            if sequence == told:
                return b""
            told = sequence
            seen, status, redirect = look(await desk.visit(tx, request, home))
        return b"" if seen == shown else live.event("status", {"status": status, "redirect": redirect})

    return desk_of(request).streams.open(services, round, look_seconds=desk_of(request).look_seconds)
