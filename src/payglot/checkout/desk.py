"""What a request at the checkout works with: the process's objects, and one link with whom it pays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.requests import Request

from payglot.checkout import addresses
from payglot.checkout.addresses import ByToken, Home
from payglot.checkout.wording import Wording, wording_for
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound, RedirectForbidden
from payglot.domain.merchant import Merchant, Mode, redirect_host
from payglot.domain.payment import Payment
from payglot.operations import links, merchants
from payglot.rails.sandbox import SandboxRail
from payglot.web import simulation, stock
from payglot.web.atomic import Tx
from payglot.web.flow import Flow, Moment, NarrowingFlow, Offer
from payglot.web.live import Streams
from payglot.web.services import Services

PART = "part"
"""In the query of a page that shows a part of the offer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One per process. Links of `slug_dialect` live at `/pay/<handle>/<slug>`; pages of `query_dialect` are also found
    by the id of a link or payment in a query."""

    services: Services
    flows: Mapping[str, Flow]
    slug_dialect: str
    query_dialect: str
    streams: Streams
    look_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One link as it stands at `now`, its merchant, and the wording of the visitor."""

    desk: Desk
    flow: Flow
    merchant: Merchant
    dossier: Dossier
    wording: Wording
    now: datetime
    part: str
    """The part of the offer that the visitor has opened; empty on the first page."""

    @property
    def home(self) -> str:
        return addresses.home_of(self.merchant, self.dossier.link)

    def page_of(self, part: str) -> str:
        return f"{self.home}?{urlencode({PART: part})}"

    @property
    def is_live(self) -> bool:
        return Mode.LIVE in (self.merchant.mode, self.dossier.link.mode)

    @property
    def has_sandbox(self) -> bool:
        return self.desk.services.sandbox and not self.is_live

    @property
    def offer(self) -> Offer:
        offer = self._part or self.flow.offer(self.merchant, self.dossier, self.now)
        if self.is_live and self.desk.services.rail.name == SandboxRail.name:
            # A live page must never show an address that only looks like one.
            return replace(offer, unpayable="No way to pay has been set up here yet.")
        return offer

    @property
    def _part(self) -> Offer | None:
        if not self.part or not isinstance(self.flow, NarrowingFlow):
            return None
        return self.flow.narrowed(self.merchant, self.dossier, self.part, self.now)

    def attempt(self, payment: Payment) -> str:
        return addresses.attempt_of(self.desk.services.vault, self.dossier.link, payment)

    def leave(self, payment: Payment | None, moment: Moment, step: str) -> str | None:
        return simulation.leave(self.flow, self.merchant, self.dossier, payment, moment, step)

    def way_out(self, payment: Payment) -> str | None:
        """Where the browser goes now that the attempt has ended, by its dialect's rules."""
        moment = self.flow.final(self.dossier, payment)
        return None if moment is None else self.leave(payment, moment, simulation.step_of(self.flow, payment))

    def ways_out(self, payment: Payment | None) -> set[str]:
        """The origins that a form here may end at: browsers check where its redirects lead as well."""
        step = simulation.step_of(self.flow, payment)
        return {origin for moment in Moment if (origin := origin_of(self.leave(payment, moment, step)))}


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def visit(tx: Tx, request: Request, home: Home, *, lock: bool = False) -> Visit:
    """`lock` holds the link for a change. Raises NotFound."""
    desk = desk_of(request)
    now = desk.services.clock.now()
    if isinstance(home, ByToken):
        dossier = await links.get_by_token(tx, home.token, now)
    else:
        dossier = await links.get_by_slug(tx, desk.slug_dialect, home.handle, home.slug, now)
    if lock:
        dossier = (await links.locked(tx, dossier.link.id)).seen_at(now)
    flow = desk.flows.get(dossier.link.dialect)
    if flow is None:
        raise NotFound(thing="link")
    dossier = await stock.stocked(flow, tx, dossier)
    merchant = await merchants.get(tx, dossier.link.merchant_id)
    request.scope["merchant_id"] = merchant.id
    wording = wording_for(request.headers.get("accept-language", ""))
    part = request.query_params.get(PART, "")
    return Visit(desk=desk, flow=flow, merchant=merchant, dossier=dossier, wording=wording, now=now, part=part)


def attempt(visit: Visit, payment_id: UUID, key: str) -> Payment:
    """The attempt that the key opens; raises NotFound."""
    for payment in visit.dossier.payments:
        if payment.id == payment_id and addresses.opens(visit.desk.services.vault, visit.dossier.link, payment, key):
            return payment
    raise NotFound(thing="payment")


def origin_of(url: str | None) -> str | None:
    """Scheme, host and port, fit for a Content-Security-Policy; None when the address is not safe to follow."""
    if url is None:
        return None
    try:
        host = redirect_host(url)
    except RedirectForbidden:
        return None
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    origin = f"{parts.scheme.lower()}://{host}{port}"
    return None if any(c in origin for c in ";, '\"*") else origin
