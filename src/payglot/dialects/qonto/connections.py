"""The payment provider behind the links: which methods it takes, and the merchant's connection to it.

Merchants start connected here (3.7): connecting says again what there is.
"""

import re
from uuid import uuid5

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import amounts, auth, inferred, mapping, schemas
from payglot.dialects.qonto.documented import FAILURES, IDEMPOTENCY, STAGING, key
from payglot.dialects.qonto.errors import Unacceptable, at, checked, in_query
from payglot.domain.errors import RedirectForbidden
from payglot.domain.merchant import Merchant, redirect_host
from payglot.domain.money import Currency
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, idempotent
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_CONNECTIONS = "/v2/payment_links/connections"


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
    await auth.caller(request, auth.READ)
    currency = _currency(request.query_params)
    shown: schemas.PaymentMethods = {
        "payment_link_payment_methods": [
            {"name": name, "enabled": currency == Currency.EUR} for name in mapping.METHODS
        ]
    }
    return answer(200, shown)


@router.post(
    _CONNECTIONS,
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
    claim = key(request, f"POST {_CONNECTIONS}")

    async def work(tx: Tx) -> Response:
        _check(checked(schemas.Connect, sent))
        return answer(201, _connection(call.merchant, call.services.public_url))

    return await idempotent(call, claim, work)


@router.get(
    _CONNECTIONS,
    **openapi.operation(
        "Get the connection status",
        parameters=(STAGING,),
        answers={
            200: ("OK", schemas.Connection),
            404: ("No connection", schemas.Failures),
            **{status: FAILURES[status] for status in (302, 401, 403, 500, 503)},
        },
    ),
)
async def connection(request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    return answer(200, _connection(call.merchant, call.services.public_url))


def _connection(merchant: Merchant, base_url: str) -> schemas.Connection:
    return {
        "connection_location": f"{base_url}/docs/qonto",
        "status": "enabled",
        "bank_account_id": str(uuid5(merchant.id, "bank account")),
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
        return bool(redirect_host(text))
    except RedirectForbidden:
        return False


def _is_text(text: str) -> bool:
    return bool(text.strip()) and len(text) <= inferred.MAX_NAME and text.isprintable()


def _is_website(text: str) -> bool:
    return text.startswith("http") and "@" not in text and len(text) <= inferred.MAX_WEBSITE and text.isprintable()
