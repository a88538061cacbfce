"""The payment provider behind the links: which methods it takes, and the merchant's connection to it.

Merchants start connected here (3.7), unless their settings say otherwise: then they connect as they would with the
provider, on a page of ours (`onboarding`).
"""

import re
from typing import Literal, assert_never
from uuid import uuid5

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import amounts, auth, inferred, mapping, schemas
from payglot.dialects.qonto.auth import NAME
from payglot.dialects.qonto.documented import FAILURES, IDEMPOTENCY, STAGING, TRACE, key
from payglot.dialects.qonto.errors import ONBOARDING_PATH, Unacceptable, at, checked, in_query
from payglot.domain.connection import Connection, ConnectionStatus
from payglot.domain.errors import NotFound, RedirectForbidden
from payglot.domain.merchant import Merchant, redirect_host
from payglot.domain.money import Currency
from payglot.operations import connections
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, idempotent
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_HOST = re.compile(r"[a-z0-9.:_-]+")
ConnectionWord = Literal["enabled", "pending", "disabled", "not_connected"]

CONNECTIONS_PATH = "/v2/payment_links/connections"


@router.get(
    "/v2/payment_links/payment_methods",
    **openapi.operation(
        "List available payment methods",
        parameters=(
            openapi.query("amount", "Decimal text; only together with currency"),
            openapi.query("currency", "Only together with amount", type="string", enum=list(inferred.CURRENCIES)),
            openapi.query("locale", "E.g. fr", type="string", pattern=inferred.LOCALE),
            STAGING,
        ),
        answers={200: ("OK", schemas.PaymentMethods), **FAILURES},
    ),
)
async def methods(request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    currency = _currency(request.query_params)
    async with call.services.database.single() as tx:
        is_connected = await _status(tx, call.merchant) == "enabled"
    shown: schemas.PaymentMethods = {
        "payment_link_payment_methods": [
            {"name": name, "enabled": currency == Currency.EUR} for name in mapping.METHODS if is_connected
        ]
    }
    return answer(200, shown)


@router.post(
    CONNECTIONS_PATH,
    **openapi.operation(
        "Connect to the payment links provider",
        body=schemas.Connect,
        parameters=(IDEMPOTENCY, STAGING),
        answers={201: ("The connection", schemas.Connection), **FAILURES},
    ),
)
async def connect(request: Request) -> Response:
    call = await auth.caller(request, auth.WRITE)
    sent = await inputs.read_json(request)
    claim = key(request, f"POST {CONNECTIONS_PATH}")

    async def work(tx: Tx) -> Response:
        body = checked(schemas.Connect, sent)
        _check(body)
        status = ConnectionStatus.ENABLED if call.merchant.settings.starts_connected else ConnectionStatus.PENDING
        known = await connections.ask(
            tx,
            merchant_id=call.merchant.id,
            dialect=NAME,
            bank_account_id=body.user_bank_account_id,
            callback_url=body.partner_callback_url,
            status=status,
            now=call.now,
            by=call.author,
        )
        return answer(201, _shown(call.merchant, known, call.services.public_url))

    return await idempotent(call, claim, work)


@router.get(
    CONNECTIONS_PATH,
    **openapi.operation(
        "Get the connection status",
        parameters=(STAGING,),
        answers={
            200: ("OK", schemas.Connection),
            404: ("No connection", schemas.Failures, TRACE),
            **{status: FAILURES[status] for status in (302, 401, 403, 429, 500, 503)},
        },
    ),
)
async def read(request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    async with call.services.database.single() as tx:
        known = await connections.find(tx, call.merchant.id, NAME)
    if known is None and not call.merchant.settings.starts_connected:
        raise NotFound(thing="connection")
    return answer(200, _shown(call.merchant, known, call.services.public_url))


async def need(tx: Tx, merchant: Merchant) -> None:
    """Raises Unacceptable, in the provider's own words, unless the merchant's links can be paid."""
    match await _status(tx, merchant):
        case "enabled":
            return
        case "pending":
            detail = "connection with the provider is pending"
        case _:
            detail = "connection with the provider does not exist"
    raise Unacceptable([{"code": "invalid", "detail": detail}])


def word(merchant: Merchant, connection: Connection | None) -> ConnectionWord:
    if merchant.settings.starts_connected:
        return "enabled"
    if connection is None:
        return "not_connected"
    match connection.status:
        case ConnectionStatus.PENDING:
            return "pending"
        case ConnectionStatus.ENABLED:
            return "enabled"
        case ConnectionStatus.REVOKED:
            return "not_connected"
        case unreachable:
            assert_never(unreachable)


async def _status(tx: Tx, merchant: Merchant) -> ConnectionWord:
    if merchant.settings.starts_connected:
        return "enabled"
    return word(merchant, await connections.find(tx, merchant.id, NAME))


def _shown(merchant: Merchant, connection: Connection | None, base_url: str) -> schemas.Connection:
    if connection is None:
        location, account = "/docs/qonto", str(uuid5(merchant.id, "bank account"))
    else:
        location, account = ONBOARDING_PATH + connection.token, connection.bank_account_id
    return {
        "connection_location": base_url + location,
        "status": word(merchant, connection),
        "bank_account_id": account,
    }


def _currency(query: QueryParams) -> str:
    """What is asked about, EUR when nothing is; raises Unacceptable."""
    failures: list[schemas.Failure] = []
    amount, currency, locale = query.get("amount"), query.get("currency"), query.get("locale")
    if (amount is None) != (currency is None):
        missing = "amount" if amount is None else "currency"
        failures.append(in_query(missing, "is required: amount and currency come together", "required"))
    if amount is not None and not amounts.is_decimal(amount):
        failures.append(in_query("amount", "must be a decimal string greater than 0"))
    if currency is not None and currency not in inferred.CURRENCIES:
        failures.append(in_query("currency", f"must be one of: {', '.join(inferred.CURRENCIES)}", "not_in_list"))
    if locale is not None and not re.fullmatch(inferred.LOCALE, locale):
        failures.append(in_query("locale", "must be a language, with or without a country"))
    if failures:
        raise Unacceptable(failures)
    return currency or Currency.EUR


def _check(body: schemas.Connect) -> None:
    """Raises Unacceptable with every broken rule."""
    description, website = body.business_description, body.user_website_url
    shortest, longest = inferred.MIN_BUSINESS_DESCRIPTION, inferred.MAX_BUSINESS_DESCRIPTION
    rules = (
        ("partner_callback_url", _is_address(body.partner_callback_url), "must be an http or https address"),
        ("user_bank_account_id", _is_text(body.user_bank_account_id), f"must have 1 to {inferred.MAX_NAME} characters"),
        ("user_phone_number", bool(re.fullmatch(inferred.PHONE, body.user_phone_number)), "must be in E.164 form"),
        (
            "business_description",
            description is None or shortest <= len(description.strip()) <= longest,
            f"must have {shortest} to {longest} characters",
        ),
        (
            "user_website_url",
            website is None or _is_website(website),
            f"must start with http or https, contain no @ and have at most {inferred.MAX_WEBSITE} characters",
        ),
    )
    if failures := [at(f"/{name}", rule) for name, holds, rule in rules if not holds]:
        raise Unacceptable(failures)


def _is_address(text: str) -> bool:
    try:
        return bool(_HOST.fullmatch(redirect_host(text))) and text.isascii()
    except RedirectForbidden:
        return False


def _is_text(text: str) -> bool:
    return bool(text.strip()) and len(text) <= inferred.MAX_NAME and text.isprintable()


def _is_website(text: str) -> bool:
    return text.startswith("http") and "@" not in text and len(text) <= inferred.MAX_WEBSITE and text.isprintable()
