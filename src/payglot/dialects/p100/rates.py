"""Retrieve Exchange Rate: what one unit of a coin is worth in EUR just now. Indicative; nothing is locked by it."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.p100 import auth, inferred, schemas
from payglot.domain.errors import CurrencyUnknown, Unavailable
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency
from payglot.rails.sandbox import SandboxRail
from payglot.web import openapi
from payglot.web.answers import answer
from payglot.web.refusals import Invalid

_FIAT = "eur"
_SIDES = [*inferred.SLUGS, _FIAT]
_FROM, _TO = inferred.RATE_PARAMETERS
PARAMETERS = (
    openapi.query(_FROM, "A coin, or `eur`.", required=True, type="string", enum=_SIDES, examples=["usdc"]),
    openapi.query(_TO, "`eur`, or a coin.", required=True, type="string", enum=_SIDES, examples=["eur"]),
)


async def look_up(request: Request) -> Response:
    call = await auth.caller(request)
    first, second = _pair(request)
    rail = call.services.rail
    if call.merchant.mode is Mode.LIVE and rail.name == SandboxRail.name:
        # Invented prices must never be taken for real ones.
        raise Unavailable
    rate = rail.quote(Currency.EUR, _coin(first, second)).rate
    told: schemas.ExchangeRate = {"currencyFrom": first, "currencyTo": second, "rate": f"{rate.normalize():f}"}
    return answer(200, told)


def _pair(request: Request) -> tuple[str, str]:
    """Raises Invalid."""
    first, second = (request.query_params.get(name, "").lower() for name in (_FROM, _TO))
    missing = [name for name, value in ((_FROM, first), (_TO, second)) if not value]
    if missing:
        raise Invalid([f"{name} should not be empty." for name in missing])
    return first, second


def _coin(first: str, second: str) -> Currency:
    """Of either direction: a rate in this API is always EUR per unit of the coin. Raises CurrencyUnknown."""
    slug = first if second == _FIAT else second if first == _FIAT else ""
    if slug not in inferred.SLUGS:
        raise CurrencyUnknown
    return inferred.SLUGS[slug]
