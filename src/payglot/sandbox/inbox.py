"""The webhook inbox: receives what is sent to test merchants, shows it live, gives it as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from typing_extensions import TypedDict

from payglot.domain.errors import NotFound
from payglot.domain.merchant import Merchant, Mode
from payglot.operations import endpoints, inbox as messages, merchants
from payglot.operations.vault import SecretUnreadable
from payglot.sandbox import pages, shown
from payglot.sandbox.errors import Failed, LiveMode
from payglot.sandbox.verify import RECIPES, Received, Verdict, verify
from payglot.sandbox.wiring import wiring_of
from payglot.web import live, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx
from payglot.web.call import services_of
from payglot.web.refusals import BodyTooLarge, Invalid, UnknownPath
from payglot.web.services import Services

MAX_BODY_BYTES = 256 * 1024
PER_PAGE = 50
MOST_PER_ANSWER = 500
DEFAULT_PER_ANSWER = 200
MERCHANTS_LISTED = 100
MAX_ID = 2**63 - 1
ADDRESS = "/sandbox/inbox/{merchant_id}/{dialect}"

router = APIRouter()


class Webhooks(TypedDict):
    """Newest first; with `after`, oldest first. `after` is what to send as `after` to go on from here."""

    messages: list[shown.Webhook]
    after: int


@router.post(ADDRESS, include_in_schema=False)
@router.post(ADDRESS + "/{below:path}", include_in_schema=False)
async def receive(request: Request, merchant_id: str, dialect: str) -> Response:
    """Answers at once: Qonto's receivers have one second."""
    services = services_of(request)
    id = _merchant_id(merchant_id)
    if id is None or dialect not in RECIPES:
        raise UnknownPath
    body = await _body(request)
    async with services.database.single() as tx:
        await _test_merchant(tx, id)
        verdict = await _verdict(tx, services, request, id, dialect, body)
    async with services.database.transaction() as tx:
        await messages.receive(
            tx,
            merchant_id=id,
            dialect=dialect,
            path=_clean(request.scope["path"]),
            headers=[[name, _clean(value)] for name, value in request.headers.items()],
            body=body,
            verified=verdict.verified,
            reason=verdict.reason,
            now=services.clock.now(),
        )
    return answer(200, {})


@router.get(ADDRESS + "/webhook/health", include_in_schema=False)
async def health(merchant_id: str, dialect: str) -> Response:
    """P100 asks its receivers for this (FAQ)."""
    return answer(200, {})


@router.get(ADDRESS, include_in_schema=False)
async def look(merchant_id: str, dialect: str) -> Response:
    """Whoever opens a receiving address in a browser wants to see what it received."""
    id = _merchant_id(merchant_id)
    if id is None or dialect not in RECIPES:
        raise UnknownPath
    query = urlencode({"merchant_id": str(id), "dialect": dialect})
    return RedirectResponse(f"/sandbox/inbox?{query}", status_code=303)


@router.get(
    "/sandbox/v1/inbox",
    **openapi.operation(
        "Read the webhook inbox",
        answers={200: ("Webhooks as they came in", Webhooks), 400: ("A parameter is not valid", Failed)},
        parameters=(
            openapi.query("merchant_id", "One merchant's only.", type="string", format="uuid"),
            openapi.query("dialect", "One dialect's only.", type="string", enum=list(RECIPES)),
            openapi.query("after", "Only those after this id, oldest first.", type="integer", minimum=0),
            openapi.query("limit", "How many at most.", type="integer", minimum=1, maximum=500, default=200),
        ),
        secured=False,
    ),
)
async def read(request: Request) -> Response:
    services = services_of(request)
    merchant_id, dialect = _filter(request)
    after = _integer(request, "after", highest=MAX_ID)
    limit = _integer(request, "limit", lowest=1, highest=MOST_PER_ANSWER)
    async with services.database.single() as tx:
        if merchant_id is not None:
            await _test_merchant(tx, merchant_id)
        found = (
            await messages.newest(tx, merchant_id, dialect=dialect, limit=limit or DEFAULT_PER_ANSWER)
            if after is None
            else await messages.since(tx, merchant_id, dialect=dialect, after=after, limit=limit or DEFAULT_PER_ANSWER)
        )
    told: Webhooks = {
        "messages": [shown.webhook(message) for message in found],
        "after": max((message.id for message in found), default=after or 0),
    }
    return answer(200, told)


@router.get("/sandbox/inbox", include_in_schema=False)
async def page(request: Request) -> Response:
    services, wiring = services_of(request), wiring_of(request)
    merchant_id, dialect = _filter(request)
    before = _integer(request, "before", highest=MAX_ID)
    async with services.database.single() as tx:
        if merchant_id is not None:
            await _test_merchant(tx, merchant_id)
        found = await messages.newest(tx, merchant_id, dialect=dialect, before=before, limit=PER_PAGE + 1)
        names = await _names(tx)
    on_page = found[:PER_PAGE]
    chosen = {"merchant_id": str(merchant_id or ""), "dialect": dialect or ""}
    cursor = on_page[0].id if on_page else 0
    return pages.page(
        "inbox.html",
        secure=services.public_url.startswith("https:"),
        cards=[shown.card(message, wiring.titles, names) for message in on_page],
        merchants=names,
        titles=wiring.titles,
        chosen=chosen,
        older=urlencode(_given(chosen) | {"before": on_page[-1].id}) if len(found) > PER_PAGE else None,
        live=None if before is not None else f"/sandbox/inbox/live?{urlencode(_given(chosen) | {'after': cursor})}",
    )


@router.get("/sandbox/inbox/live", include_in_schema=False)
async def follow(request: Request) -> Response:
    """Each new webhook as a rendered card, from the id `after` on, or from the last one that this browser saw."""
    services, wiring = services_of(request), wiring_of(request)
    merchant_id, dialect = _filter(request)
    cursor = _integer(request, "after", highest=MAX_ID) or 0
    seen = request.headers.get("last-event-id", "")
    if seen.isascii() and seen.isdigit() and len(seen) < 19:
        cursor = max(cursor, int(seen))

    async def round() -> bytes:
        nonlocal cursor
        async with services.database.single() as tx:
            found = await messages.since(tx, merchant_id, dialect=dialect, after=cursor, limit=PER_PAGE)
            names = await _names(tx) if found else {}
        sent = b""
        for message in found:
            html = pages.render("card.html", card=shown.card(message, wiring.titles, names), fresh=True)
            sent += live.event("webhook", html, message.id)
            cursor = message.id
        return sent

    return _streams(request).open(services, round, look_seconds=wiring.look_seconds)


async def _verdict(
    tx: Tx, services: Services, request: Request, merchant_id: UUID, dialect: str, body: bytes
) -> Verdict:
    path: str = request.scope["path"]
    secrets: list[str] = []
    try:
        for endpoint in await endpoints.of_merchant(tx, merchant_id, dialect):
            address = urlsplit(endpoint.url).path.rstrip("/")
            if path == address or path.startswith(f"{address}/"):
                secrets += endpoints.secrets_at(services.vault, endpoint, services.clock.now())
    except SecretUnreadable:
        return Verdict(verified=False, reason="The endpoint's secret was stored under another secret key.")
    # Attempts are stamped with the system's time, wherever the sandbox's clock is.
    received = Received(headers=dict(request.headers), body=body, secrets=secrets, at=datetime.now(UTC))
    return verify(dialect, received)


async def _body(request: Request) -> bytes:
    """Raises BodyTooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
    return bytes(body)


async def _test_merchant(tx: Tx, id: UUID) -> Merchant:
    """Raises NotFound or LiveMode."""
    merchant = await merchants.get(tx, id)
    if merchant.mode is not Mode.TEST:
        raise LiveMode
    return merchant


async def _names(tx: Tx) -> dict[str, str]:
    """Test merchants by id, newest first."""
    found = await merchants.newest(tx, limit=MERCHANTS_LISTED)
    return {str(merchant.id): merchant.name for merchant in found if merchant.mode is Mode.TEST}


def _filter(request: Request) -> tuple[UUID | None, str | None]:
    """What the query asks for; empty means all. Raises Invalid or NotFound."""
    merchant, dialect = request.query_params.get("merchant_id", ""), request.query_params.get("dialect", "")
    if dialect and dialect not in RECIPES:
        raise Invalid([f"dialect: one of {', '.join(RECIPES)}."])
    id = _merchant_id(merchant)
    if merchant and id is None:
        raise NotFound(thing="merchant")
    return id, dialect or None


def _integer(request: Request, name: str, *, lowest: int = 0, highest: int) -> int | None:
    """A query parameter within bounds; None when it is absent. Raises Invalid."""
    text = request.query_params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) <= highest):
        raise Invalid([f"{name}: an integer from {lowest} to {highest}."])
    return int(text)


def _merchant_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _given(query: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value}


def _clean(text: str) -> str:
    """As the database can keep it."""
    return text.replace("\0", "\ufffd")


def _streams(request: Request) -> live.Streams:
    streams: live.Streams = request.app.state.streams
    return streams
