"""The operator's API as one application."""

from fastapi import APIRouter
from starlette.types import ASGIApp

from payglot.admin import endpoints, errors, links, merchants
from payglot.admin.office import Office
from payglot.web import app


def build(office: Office) -> ASGIApp:
    router = APIRouter()
    for part in (merchants.router, endpoints.router, links.router):
        router.include_router(part)
    built = app.build(
        office.services,
        router,
        errors.render,
        title="Payglot: the operator's API",
        description="Merchants, credentials, endpoints, links, payments, events and deliveries, across dialects.",
        security={"adminToken": {"type": "http", "scheme": "bearer"}},
    )
    built.app.state.office = office
    return built
