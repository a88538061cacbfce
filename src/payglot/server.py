"""Builds the application: every entrance on one origin, and the process-wide objects they work with."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from limits import parse_many
from starlette.types import ASGIApp

from payglot import checkout, schema
from payglot.admin import health, routes as operators
from payglot.admin.office import Office, Port
from payglot.dialects import DIALECTS
from payglot.operations.clock import Clock
from payglot.operations.vault import Vault
from payglot.rails.sandbox import SandboxRail
from payglot.sandbox import Api, Demo, Wiring, build_home, build_sandbox
from payglot.settings import ALL, Settings, SettingsProblem
from payglot.store.database import Database
from payglot.web.app import Contained
from payglot.web.callers import Callers
from payglot.web.front import Entrance, Front
from payglot.web.limits import Limiter
from payglot.web.services import Services
from payglot.webhooks.guard import Guard


def services(settings: Settings, database: Database, wake: Callable[[], None]) -> Services:
    """`settings` must have passed `settings.check`."""
    assert settings.secret_key is not None
    vault = Vault(settings.secret_key.get_secret_value())
    guard = Guard(settings.webhook_allowed_networks)

    def check_url(url: str) -> None:
        guard.check_url(url)

    return Services(
        database=database,
        clock=Clock(),
        vault=vault,
        callers=Callers(database, vault),
        limiter=limiter(settings),
        rail=SandboxRail(),
        public_url=settings.public_url,
        sandbox=settings.sandbox,
        wake=wake,
        check_url=check_url,
    )


def limiter(settings: Settings) -> Limiter:
    """Raises SettingsProblem when a limit is set for a dialect that there is not."""
    chosen = settings.rate_limits
    unknown = sorted(set(chosen) - set(DIALECTS) - {ALL})
    if unknown:
        known = ", ".join(sorted(DIALECTS))
        raise SettingsProblem(f"PAYGLOT_RATE_LIMITS names something that is no dialect; those are {known}.")
    documented = {name: parse_many(dialect.limits) for name, dialect in DIALECTS.items() if dialect.limits}
    failures = {name: parse_many(dialect.failures) for name, dialect in DIALECTS.items() if dialect.failures}
    everywhere = dict.fromkeys(DIALECTS, chosen[ALL]) if ALL in chosen else {}
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    try:
        return Limiter({**documented, **everywhere, **chosen}, {} if ALL in chosen else failures, redis_url=redis_url)
    except ImportError:
        raise SettingsProblem("PAYGLOT_REDIS_URL needs a package: pip install 'payglot[redis]'.") from None
    except ValueError:
        raise SettingsProblem("PAYGLOT_REDIS_URL must be an address like redis://host:6379/0.") from None


def application(settings: Settings, built: Services, *, demo: Demo | None = None) -> ASGIApp:
    """`demo` is what the demo's home page shows."""
    apps = {dialect.name: dialect.build(built) for dialect in DIALECTS.values()}
    entrances = [
        Entrance(name=dialect.name, prefixes=dialect.prefixes, app=apps[dialect.name]) for dialect in DIALECTS.values()
    ]
    admin = operators.build(_office(settings, built))
    entrances.append(Entrance(name="admin", prefixes=("/admin",), app=admin))
    flows = {dialect.name: dialect.flow for dialect in DIALECTS.values()}
    pay = checkout.build(built, flows, slug_dialect="devdraft", query_dialect="txn")
    entrances.append(Entrance(name="checkout", prefixes=("/pay", "/redirect"), app=pay))
    entrances += _pages(settings, built, {**apps, "admin": admin}, demo)
    tolerated = frozenset({"durability"} if settings.allow_unsafe_database else ())
    health_app = health.build(built, schema_head=schema.head(), tolerated=tolerated)
    entrances.append(Entrance(name="health", prefixes=("/healthz", "/readyz", "/metrics"), app=health_app))
    return Front(
        tuple(entrances),
        max_body_bytes=settings.max_body_bytes,
        # So that a client hears that it is late before its connection is closed.
        arrival_seconds=settings.request_timeout_seconds * 0.9,
    )


def _pages(settings: Settings, built: Services, apps: Mapping[str, ASGIApp], demo: Demo | None) -> list[Entrance]:
    """The sandbox, and the home page: "/" takes every path that nobody else owns."""
    assert settings.admin_token is not None
    titles = {dialect.name: dialect.title for dialect in DIALECTS.values()}
    wiring = Wiring(
        flows={dialect.name: dialect.flow for dialect in DIALECTS.values()},
        titles=titles,
        apis={
            name: Api(title=titles.get(name, "Operator"), document=app.app.state.document)
            for name, app in apps.items()
            if isinstance(app, Contained)
        },
        admin_token=settings.admin_token.get_secret_value(),
        demo=demo,
    )
    sandbox = build_sandbox(built, wiring)
    if built.sandbox:
        told = {**wiring.apis, "sandbox": Api(title="Sandbox", document=sandbox.app.state.document)}
        wiring = replace(wiring, apis=told)
    return [
        Entrance(name="sandbox", prefixes=("/sandbox",), app=sandbox),
        Entrance(name="home", prefixes=("/",), app=build_home(built, wiring)),
    ]


def _office(settings: Settings, built: Services) -> Office:
    assert settings.admin_token is not None
    ports = {
        dialect.name: Port(
            title=dialect.title,
            read_id=dialect.read_id,
            issue=dialect.issue,
            endpoint_details=dialect.endpoint_details,
            endpoint_choices=dialect.endpoint_choices,
            webhooks=dialect.webhooks,
            oauth_scopes=dialect.oauth_scopes,
        )
        for dialect in DIALECTS.values()
    }
    return Office(services=built, ports=ports, token=settings.admin_token.get_secret_value(), check_url=built.check_url)
