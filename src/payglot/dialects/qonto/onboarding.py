"""The page that `connection_location` leads to: in the provider's place, it completes a connection or ends it."""

import hmac

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import connections, notices, oauth, pages, webhooks
from payglot.dialects.qonto.auth import NAME
from payglot.dialects.qonto.documented import LOCATION
from payglot.dialects.qonto.errors import ONBOARDING_PATH
from payglot.domain.audit import AuthorKind
from payglot.domain.connection import Connection, ConnectionStatus
from payglot.domain.errors import IllegalTransition
from payglot.operations import connections as kept, merchants
from payglot.web import openapi
from payglot.web.atomic import Tx, atomic
from payglot.web.call import author, services_of
from payglot.web.origin import Forged
from payglot.web.refusals import Invalid
from payglot.web.routes import PlainRoute
from payglot.web.services import Services

router = APIRouter(route_class=PlainRoute)

_PATH = ONBOARDING_PATH + "{token}"
_STEPS = {
    "enable": (ConnectionStatus.ENABLED, "connection_enabled"),
    "revoke": (ConnectionStatus.REVOKED, "connection_revoked"),
}
_BUTTONS = {"pending": (("enable", "Take payments"),), "enabled": (("revoke", "Disconnect"),)}
_ANSWERS: dict[int, openapi.Answer] = {
    404: ("No such page", str),
    500: ("Our fault", str),
    503: ("Temporarily unavailable", str),
}


@router.get(
    _PATH,
    **openapi.operation(
        "The onboarding page", answers={200: ("The page", str), **_ANSWERS}, answer_type="text/html", secured=False
    ),
)
async def look(token: str, request: Request) -> Response:
    services = services_of(request)
    async with services.database.single() as tx:
        return await _page(tx, services, await kept.of_page(tx, NAME, token))


@router.post(
    _PATH,
    **openapi.operation(
        "The page's form: complete the connection or end it",
        answers={
            303: ("Back to the partner", None, LOCATION),
            400: ("The form cannot be read", str),
            403: ("The form is not from our page", str),
            **_ANSWERS,
        },
        answer_type="text/html",
        secured=False,
    ),
)
async def act(token: str, request: Request) -> Response:
    services = services_of(request)
    form = await oauth.page_form(request)

    async def work(tx: Tx) -> Response:
        connection = await kept.of_page(tx, NAME, token, lock=True)
        if not hmac.compare_digest(_proof(services, connection).encode(), form.get("proof", "").encode()):
            raise Forged
        step = _STEPS.get(form.get("action", ""))
        merchant = await merchants.get(tx, connection.merchant_id)
        if step is None or merchant.settings.starts_connected:
            raise Invalid([])
        status, told = step
        try:
            by = author(request, AuthorKind.MERCHANT, dialect=NAME)
            await kept.move(tx, connection, status, services.clock.now(), by=by)
        except IllegalTransition:
            # Sent twice: the first did it.
            return oauth.see(connection.callback_url, 303)
        now = services.clock.now()
        await notices.tell(
            tx, connection.merchant_id, lambda receiver: webhooks.connection_message(receiver, told, now), now
        )
        return oauth.see(connection.callback_url, 303)

    response = await atomic(services.database, work)
    services.wake()
    return response


async def _page(tx: Tx, services: Services, connection: Connection) -> Response:
    merchant = await merchants.get(tx, connection.merchant_id)
    word = connections.word(merchant, connection)
    return pages.onboarding(
        merchant=merchant.name,
        word=word,
        callback_url=connection.callback_url,
        action=ONBOARDING_PATH + connection.token,
        proof=_proof(services, connection),
        buttons=() if merchant.settings.starts_connected else _BUTTONS.get(word, ()),
        secure=services.public_url.startswith("https:"),
    )


def _proof(services: Services, connection: Connection) -> str:
    return services.vault.form_token("onboarding", connection.token)
