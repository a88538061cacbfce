"""The operator's API as one application."""

from starlette.types import ASGIApp

from payglot.admin import audit, endpoints, errors, links, merchants, oauth, payouts, subscriptions
from payglot.admin.office import Office
from payglot.web import app


def build(office: Office) -> ASGIApp:
    built = app.build(
        office.services,
        (
            merchants.router,
            audit.router,
            oauth.router,
            endpoints.router,
            links.router,
            payouts.router,
            subscriptions.router,
        ),
        errors.render,
        title="Payglot: the operator's API",
        description="Merchants, credentials, endpoints, links, payments, events and deliveries, across dialects.",
        security={"adminToken": {"type": "http", "scheme": "bearer"}},
    )
    built.app.state.office = office
    return built
