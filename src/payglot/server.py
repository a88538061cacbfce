"""Builds the application: every entrance on one origin, and the process-wide objects they work with."""

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp

from payglot import schema
from payglot.admin import health, routes as operators
from payglot.admin.office import Office, Port
from payglot.dialects import DIALECTS
from payglot.operations.clock import Clock
from payglot.operations.vault import Vault
from payglot.rails.sandbox import SandboxRail
from payglot.settings import Settings
from payglot.store.database import Database
from payglot.web.callers import Callers
from payglot.web.front import Entrance, Front
from payglot.web.services import Services
from payglot.webhooks.guard import Guard


def services(settings: Settings, database: Database, wake: Callable[[], None]) -> Services:
    """`settings` must have passed `settings.check`."""
    assert settings.secret_key is not None
    vault = Vault(settings.secret_key.get_secret_value())
    return Services(
        database=database,
        clock=Clock(),
        vault=vault,
        callers=Callers(database, vault),
        rail=SandboxRail(),
        public_url=settings.public_url,
        sandbox=settings.sandbox,
        wake=wake,
    )


def application(settings: Settings, built: Services, *, examples: Mapping[str, str] | None = None) -> ASGIApp:
    """`examples` are ready commands by dialect, for the demo's home page."""
    entrances = [
        Entrance(name=dialect.name, prefixes=dialect.prefixes, app=dialect.build(built))
        for dialect in DIALECTS.values()
    ]
    entrances.append(Entrance(name="admin", prefixes=("/admin",), app=operators.build(_office(settings, built))))
    health_app = health.build(built, schema_head=schema.head())
    entrances.append(Entrance(name="health", prefixes=("/healthz", "/readyz", "/metrics"), app=health_app))
    return Front(
        tuple(entrances),
        max_body_bytes=settings.max_body_bytes,
        arrival_seconds=settings.request_timeout_seconds,
    )


def _office(settings: Settings, built: Services) -> Office:
    assert settings.admin_token is not None
    guard = Guard(settings.webhook_allowed_networks)
    ports = {
        dialect.name: Port(issue=dialect.issue, endpoint_details=dialect.endpoint_details, webhooks=dialect.webhooks)
        for dialect in DIALECTS.values()
    }

    def check_url(url: str) -> None:
        guard.check_url(url)

    return Office(services=built, ports=ports, token=settings.admin_token.get_secret_value(), check_url=check_url)
