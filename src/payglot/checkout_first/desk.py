"""One visit of a payer: who is paid, the link, perhaps the payer's own attempt, and the language they read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout_first import address, present
from payglot.checkout_first.address import Address
from payglot.checkout_first.pages import pages
from payglot.checkout_first.words import Say, language_of, say_in
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from payglot.operations import links, merchants
from payglot.web import simulation
from payglot.web.atomic import Tx
from payglot.web.flow import Flow, Moment
from payglot.web.live import Streams
from payglot.web.refusals import WrongContentType
from payglot.web.services import Services
from payglot.web.simulation import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What the checkout works with."""

    services: Services
    flows: Mapping[str, Flow]
    slug_dialect: str
    query_dialect: str
    streams: Streams


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    request: Request
    desk: Desk
    merchant: Merchant
    dossier: Dossier
    payment: Payment | None
    now: datetime
    language: str

    @property
    def services(self) -> Services:
        return self.desk.services

    @property
    def link(self) -> Link:
        return self.dossier.link

    @property
    def flow(self) -> Flow:
        return self.desk.flows[self.link.dialect]

    @property
    def say(self) -> Say:
        return say_in(self.language)

    @property
    def payee(self) -> str:
        return present.plain(self.merchant.name)

    @property
    def here(self) -> str:
        """The path this visit came by."""
        return self.request.url.path

    def stage(self, tx: Tx) -> Stage:
        return Stage(tx=tx, flow=self.flow, merchant=self.merchant, rail=self.services.rail, now=self.now)

    def attempt_path(self, payment: Payment) -> str:
        return address.of_attempt(self.services.vault, self.link, payment)

    def leave(self, payment: Payment | None, moment: Moment, step: str) -> str | None:
        """Where the payer's browser goes at that moment, if the merchant's domains allow it."""
        return simulation.leave(self.flow, self.merchant, self.dossier, payment, moment, step)

    async def form(self) -> dict[str, str]:
        """The form that was sent; only text, and not much of it."""
        if not self.request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise WrongContentType
        sent = await self.request.form(max_fields=100, max_files=0)
        return {name: value for name, value in sent.items() if isinstance(value, str)}

    def page(self, template: str, *, status: int = 200, image_url: str | None = None, **values: Any) -> Response:
        return pages.page(
            template,
            status=status,
            secure=self.services.public_url.startswith("https://"),
            images_from=[_origin(image_url)] if image_url else [],
            # Browsers hold a form's redirects to this list as well.
            forms_to=self._ways_out(),
            frame=present.frame(self.merchant, self.language, self.say),
            say=self.say,
            **values,
        )

    def go(self, url: str) -> Response:
        """See Other: the browser gets the page there, and a reload sends nothing twice."""
        return Response(status_code=303, headers={"location": url, "cache-control": "no-store"})

    def _ways_out(self) -> list[str]:
        urls = (self.leave(self.payment, moment, "choose") for moment in Moment)
        return sorted({_origin(url) for url in urls if url is not None})


async def open_visit(request: Request, asked: Address) -> Visit:
    """Raises NotFound."""
    desk: Desk = request.app.state.desk
    now = desk.services.clock.now()
    async with desk.services.database.single() as tx:
        if asked.token is not None:
            dossier = await links.get_by_token(tx, asked.token, now)
        else:
            dossier = await links.get_by_slug(tx, desk.slug_dialect, asked.handle or "", asked.slug or "", now)
        merchant = await merchants.get(tx, dossier.link.merchant_id)
    request.scope["merchant_id"] = merchant.id
    payment: Payment | None = None
    if asked.attempt is not None:
        id = address.payment_id(desk.services.vault, asked.attempt)
        payment = next((each for each in dossier.payments if each.id == id), None)
        if payment is None:
            raise NotFound(thing="payment")
    return Visit(
        request=request,
        desk=desk,
        merchant=merchant,
        dossier=dossier,
        payment=payment,
        now=now,
        language=language_of(request.headers.get("accept-language")),
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
