"""Whether the server is well."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, schemas
from payglot.dialects.devdraft.routing import at
from payglot.operations import installation
from payglot.web import instants, openapi
from payglot.web.answers import answer
from payglot.web.call import services_of
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

API_VERSION = "1.0.0"


@at(
    router,
    "GET",
    "/api/v0/health",
    **openapi.operation("Health, with authentication", answers={200: ("OK", schemas.Health), **schemas.FAILURES}),
)
async def health(request: Request) -> Response:
    call = await auth.caller(request)
    async with call.services.database.single() as tx:
        await installation.schema_revision(tx)
    body: schemas.Health = {
        "status": "ok",
        "timestamp": instants.millis(call.now),
        "version": API_VERSION,
        "database": "connected",
        "message": "Service is up and running",
        "authenticated": True,
    }
    return answer(200, body)


@at(
    router,
    "GET",
    "/api/v0/health/public",
    **openapi.operation("Health", secured=False, answers={200: ("OK", schemas.PublicHealth)}),
)
async def public_health(request: Request) -> Response:
    now = services_of(request).clock.now()
    body: schemas.PublicHealth = {"status": "ok", "timestamp": instants.millis(now), "version": API_VERSION}
    return answer(200, body)
