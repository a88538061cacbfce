"""The movable clock: forward only, for links, quotes, expiry and webhook retries alike."""

import asyncio
import hmac
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.operations import deliveries, expiry, sending
from payglot.rails.payouts import SandboxPayoutRail
from payglot.sandbox.errors import ClockTooFar, Failed
from payglot.sandbox.wiring import Wiring, wiring_of
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.call import services_of
from payglot.web.openapi import Instant
from payglot.web.refusals import NotAuthenticated
from payglot.web.services import Services

FARTHEST_SECONDS = 10 * 365 * 24 * 60 * 60
LOOK_SECONDS = 0.05

router = APIRouter()


class Advance(BaseModel):
    """Zero moves nothing, and does what is due."""

    model_config = ConfigDict(strict=True, extra="forbid")

    advance_seconds: Annotated[int, Field(ge=0, le=FARTHEST_SECONDS, examples=[900])]


class Time(TypedDict):
    """`offset_seconds` is how far this clock is ahead of the system's."""

    now: Instant
    offset_seconds: int


class Moved(TypedDict):
    """`moved` counts the links, payments, payouts and subscriptions' periods that became due; `settled` tells whether
    every webhook that is due was attempted before this answer."""

    now: Instant
    offset_seconds: int
    moved: int
    settled: bool


@router.get(
    "/sandbox/v1/clock",
    **openapi.operation("Read the clock", answers={200: ("The server's time", Time)}, secured=False),
)
async def read(request: Request) -> Response:
    services = services_of(request)
    told: Time = {"now": instants.millis(services.clock.now()), "offset_seconds": services.clock.offset_seconds}
    return answer(200, told)


@router.post(
    "/sandbox/v1/clock",
    **openapi.operation(
        "Move the clock forward",
        body=Advance,
        answers={
            200: ("Moved, and what became due is done", Moved),
            400: ("The request is not valid", Failed),
            401: ("The admin token is missing or wrong", Failed),
            409: ("More than ten years ahead in all", Failed),
        },
    ),
)
async def advance(request: Request) -> Response:
    wiring, services = wiring_of(request), services_of(request)
    _authenticate(request, wiring)
    body = inputs.check(Advance, await inputs.read_json(request))

    async def work(tx: Tx) -> None:
        await services.clock.sync(tx)
        if services.clock.offset_seconds + body.advance_seconds > FARTHEST_SECONDS:
            raise ClockTooFar
        await services.clock.advance(tx, body.advance_seconds)

    await atomic(services.database, work)
    moved = await expiry.run(services.database, services.clock.now())
    moved += await sending.run(services.database, SandboxPayoutRail(), services.clock.now())
    services.wake()
    settled = await _settle(services, wiring.settle_seconds)
    told: Moved = {
        "now": instants.millis(services.clock.now()),
        "offset_seconds": services.clock.offset_seconds,
        "moved": moved,
        "settled": settled,
    }
    return answer(200, told)


def _authenticate(request: Request, wiring: Wiring) -> None:
    """Raises NotAuthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(missing=True)
    if not hmac.compare_digest(token.strip().encode(), wiring.admin_token.encode()):
        raise NotAuthenticated(missing=False)


async def _settle(services: Services, seconds: float) -> bool:
    """Wait until nothing is due any more, in this process' worker or another's; False when time is up."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        async with services.database.single() as tx:
            if await deliveries.idle(tx, services.clock.now()):
                return True
        if asyncio.get_running_loop().time() >= deadline or services.closing.is_set():
            return False
        await asyncio.sleep(LOOK_SECONDS)
