"""The operator's API as one application."""

from starlette.types import ASGIApp

from payglot.admin import (
    audit,
    endpoints,
    errors,
    explaining,
    following,
    links,
    merchants,
    oauth,
    payouts,
    subscriptions,
)
from payglot.admin.office import Office
from payglot.web import app
from payglot.web.live import Streams

FOLLOWERS = 20
"""How many `payglot listen` one process serves."""


def build(office: Office) -> ASGIApp:
    built = app.build(
        office.services,
        (
            merchants.router,
            audit.router,
            oauth.router,
            endpoints.router,
            links.router,
            explaining.router,
            following.router,
            payouts.router,
            subscriptions.router,
        ),
        errors.render,
        title="Payglot: the operator's API",
        description="Merchants, credentials, endpoints, links, payments, events and deliveries, across dialects.",
        security={"adminToken": {"type": "http", "scheme": "bearer"}},
    )
    built.app.state.office = office
    built.app.state.streams = Streams(FOLLOWERS)
    return built
