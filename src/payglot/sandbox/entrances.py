"""The two entrances: everything below /sandbox, and the home page with the API references."""

from payglot.sandbox import clock, errors, home, inbox, pay
from payglot.sandbox.wiring import Wiring
from payglot.web import app, live
from payglot.web.app import Contained
from payglot.web.services import Services


def build_sandbox(services: Services, wiring: Wiring) -> Contained:
    """Without the sandbox setting it answers 404 to everything."""
    routers = (pay.router, clock.router, inbox.router, home.live_router) if services.sandbox else ()
    built = app.build(
        services,
        routers,
        errors.render,
        title="Payglot sandbox",
        description="Simulated payments, a movable clock and a webhook inbox, for test-mode merchants.",
        security={"adminToken": {"type": "http", "scheme": "bearer"}},
    )
    return _wired(built, wiring)


def build_home(services: Services, wiring: Wiring) -> Contained:
    built = app.build(
        services, (home.router,), home.render_failure, title="Payglot", description="Pages for people.", security={}
    )
    return _wired(built, wiring)


def _wired(built: Contained, wiring: Wiring) -> Contained:
    built.app.state.wiring = wiring
    built.app.state.streams = live.Streams()
    return built
