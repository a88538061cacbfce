"""Everything that is known of one link, gathered for the operator: why it is in its state."""

from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from payglot.domain import explanation
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.domain.explanation import Explanation, History, Told
from payglot.domain.link import Direction, Link
from payglot.domain.narration import Birth
from payglot.operations import credentials, deliveries, endpoints, events, links
from payglot.store import payments as stored_payments
from payglot.store.database import Tx
from payglot.store.deliveries import Attempt, Delivery
from payglot.store.endpoints import Endpoint

TOKEN_DIGITS = 64
EVENTS_AT_MOST = 400
"""A reusable link may have a hundred thousand; its beginning and its end explain its state."""


async def explain(tx: Tx, dossier: Dossier, *, title: str) -> Explanation:
    """`dossier` is the link as it is seen now, `title` what its dialect is called."""
    link = dossier.link
    known = {each.id: each for each in await endpoints.of_merchant(tx, link.merchant_id, link.dialect)}
    happened = await events.of_link(tx, link.id, limit=1)
    left_out = max(0, link.sequence - EVENTS_AT_MOST)
    happened += await events.of_link(tx, link.id, after=1 + left_out)
    log = await deliveries.log_of_events(tx, [event.id for event in happened])
    history = History(
        dossier=dossier,
        events=happened,
        left_out=left_out,
        told=[_told(delivery, attempts, known.get(delivery.endpoint_id)) for delivery, attempts in log],
        birth=await _birth(tx, link, title),
    )
    return explanation.explain(history)


async def find(tx: Tx, name: str, now: datetime, *, by_slug: str, spelled: UUID | None) -> Dossier:
    """The link that somebody means by its id, by one of its payments' ids, by its page's token or address. `spelled`
    is what the name means in a dialect with a spelling of its own; `by_slug` the dialect whose pages have slugs. Raises
    NotFound."""
    name = name.strip()
    id = spelled or _uuid(name)
    if id is not None:
        return await _by_id(tx, id, now)
    if _is_token(name):
        return await links.get_by_token(tx, name, now)
    try:
        parts = urlsplit(name)
        path = unquote(parts.path, errors="strict")
        query = parse_qs(parts.query, max_num_fields=20)
    except ValueError:
        raise NotFound(thing="link") from None
    if path == "/redirect":
        asked = query.get("payment_link_id") or query.get("invoice_id") or [""]
        return await _by_id(tx, _uuid(asked[0]), now)
    first, _, rest = path.removeprefix("/pay/").partition("/")
    if not path.startswith("/pay/") or "\0" in path:
        raise NotFound(thing="link")
    if _is_token(first):
        # Whatever follows is an attempt's own page.
        return await links.get_by_token(tx, first, now)
    return await links.get_by_slug(tx, by_slug, first, rest, now)


async def _by_id(tx: Tx, id: UUID | None, now: datetime) -> Dossier:
    if id is None:
        raise NotFound(thing="link")
    try:
        return await links.get_any(tx, id, now)
    except NotFound:
        link_id = await stored_payments.link_of(tx, id)
        if link_id is None:
            raise
        return await links.get_any(tx, link_id, now)


async def _birth(tx: Tx, link: Link, title: str) -> Birth:
    refund_of = None
    if link.direction is Direction.OUT:
        refund_of = await stored_payments.refunded_by(tx, link.merchant_id, link.id)
    return Birth(title=title, keys=await _keys(tx, link), refund_of=refund_of)


async def _keys(tx: Tx, link: Link) -> tuple[UUID, ...]:
    """What the link can have been created with. Nothing is known where there are OAuth clients: their tokens are
    forgotten some days after their end."""
    known = await credentials.of_merchant(tx, link.merchant_id, link.dialect)
    if any(each.kind != "api_key" for each in known):
        return ()
    at = link.created_at
    return tuple(
        each.id
        for each in known
        if each.created_at <= at
        and (each.revoked_at is None or each.revoked_at > at)
        and (each.expires_at is None or each.expires_at > at)
    )


def _told(delivery: Delivery, attempts: list[Attempt], endpoint: Endpoint | None) -> Told:
    answer = delivery.last_error if delivery.last_status is None else str(delivery.last_status)
    return Told(
        delivery_id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        url=endpoint.url if endpoint else "",
        name=delivery.name,
        status=delivery.status,
        # A delivery that is sent again counts anew; its log does not.
        attempts=max(delivery.attempts, len(attempts)),
        answer=answer,
        off=_off(endpoint),
        created_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at,
        finished_at=delivery.finished_at,
    )


def _off(endpoint: Endpoint | None) -> str | None:
    match endpoint:
        case None:
            return "removed"
        case Endpoint(enabled=False):
            return "disabled"
        case Endpoint(paused_reason="gone"):
            return "paused, because it answered 410"
        case Endpoint(paused_reason="failing"):
            return "paused, because it only failed for days"
        case _:
            return None


def _is_token(text: str) -> bool:
    return len(text) == TOKEN_DIGITS and all(c in "0123456789abcdef" for c in text)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
