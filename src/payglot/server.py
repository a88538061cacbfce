"""Builds the application: every entrance on one origin, and the process-wide objects they work with."""

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp

from payglot.dialects import DIALECTS
from payglot.operations.clock import Clock
from payglot.operations.vault import Vault
from payglot.rails.sandbox import SandboxRail
from payglot.settings import Settings
from payglot.store.database import Database
from payglot.web.callers import Callers
from payglot.web.front import Entrance, Front
from payglot.web.services import Services


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
    return Front(
        tuple(entrances),
        max_body_bytes=settings.max_body_bytes,
        arrival_seconds=settings.request_timeout_seconds,
    )
