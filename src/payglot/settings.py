"""Every setting: an environment variable with the prefix PAYGLOT_, its meaning, unit and default.

`python -m tools.settings` writes them to docs/settings.md.
"""

import ipaddress
import json
import os
import re
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "PAYGLOT_"
ALL = "*"
ADDRESS_FILE = "address"

SHORTEST_SECRET_CHARACTERS = 32
FEWEST_DIFFERENT_CHARACTERS = 10
PLACEHOLDERS = re.compile("change.?me|default|example|password|placeholder|replace", re.IGNORECASE)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class SettingsProblem(Exception):
    """The settings cannot be used; the text says which and why, one sentence a line."""


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _networks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks like 10.0.0.0/8, separated by commas") from None


def _with_driver(url: SecretStr) -> SecretStr:
    scheme, separator, rest = url.get_secret_value().partition("://")
    if scheme not in ("postgres", "postgresql", "postgresql+asyncpg") or not separator:
        raise ValueError("must be an address like postgresql://user:password@host:5432/database")
    return SecretStr(f"postgresql+asyncpg://{rest}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare:
        raise ValueError("must be http:// or https:// with a host, perhaps a port, and nothing else")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _own_address(values: dict[str, Any]) -> str:
    host = values.get("host", "127.0.0.1")
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{values.get('port', 8000)}"


def _own_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "payglot"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]


def _rate_limits(value: Any) -> Any:
    """By dialect, and under ALL for each of them; what is not in it is as documented."""
    if not isinstance(value, str) or value.strip() == "documented":
        return {} if isinstance(value, str) else value
    if value.strip() == "off":
        return {ALL: ()}
    found: dict[str, tuple[RateLimitItem, ...]] = {}
    for part in value.split(","):
        name, separator, limit = (each.strip() for each in part.partition("="))
        try:
            found[name] = () if limit == "off" else tuple(parse_many(limit))
        except ValueError:
            separator = ""
        if not separator or name in ("", ALL):
            raise ValueError("must be documented, off, or a list like devdraft=1000 per minute, qonto=off")
    return found


RateLimits = Annotated[dict[str, tuple[RateLimitItem, ...]], NoDecode, BeforeValidator(_rate_limits)]


FOREVER = "forever"


def _days(value: Any) -> Any:
    if isinstance(value, str) and value.strip() == FOREVER:
        return None
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"must be a whole number of days, or {FOREVER}") from None


Days = Annotated[Annotated[int, Field(ge=1)] | None, NoDecode, BeforeValidator(_days)]
DaysMore = Annotated[Annotated[int, Field(ge=0)] | None, NoDecode, BeforeValidator(_days)]
DaysOfMonths = Annotated[Annotated[int, Field(ge=31)] | None, NoDecode, BeforeValidator(_days)]


def _shown(default: str) -> dict[str, Any]:
    """What the documentation shows where the default is computed."""
    return {"shown_default": default}


class Settings(BaseSettings):
    """The settings of one process. Reading them does not judge them: `check` does."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: Annotated[SecretStr, AfterValidator(_with_driver)] | None = Field(
        default=None, json_schema_extra=_shown("the embedded PostgreSQL")
    )
    """PostgreSQL's address: `postgresql://user:password@host:5432/database`."""

    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=_own_folder, json_schema_extra=_shown("`~/.local/share/payglot`")
    )
    """Folder for the embedded PostgreSQL and a sandbox's generated secrets. `XDG_DATA_HOME` is honoured."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` is every one."""

    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port to listen on."""

    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        default_factory=_own_address, json_schema_extra=_shown("`http://HOST:PORT`")
    )
    """Where payers and merchants reach this server, as scheme, host and port. Every link is built from it."""

    sandbox: bool = False
    """Whether test-mode merchants can simulate payments, move the clock and read the webhook inbox. \
`payglot demo` turns it on."""

    admin_token: SecretStr | None = Field(default=None, json_schema_extra=_shown("required; in a sandbox, generated"))
    """Bearer token of the operator's API, at least 32 characters."""

    secret_key: SecretStr | None = Field(default=None, json_schema_extra=_shown("required; in a sandbox, generated"))
    """Encrypts the secrets in the database and keys the hashes of credentials; at least 32 characters. \
Without it they are lost."""

    webhook_allowed_networks: Networks = Field(
        default=(), json_schema_extra=_shown("none; in `payglot demo`, loopback")
    )
    """Private networks that webhooks may reach, in CIDR notation, separated by commas."""

    trusted_proxies: Networks = Field(default=(), json_schema_extra=_shown("none"))
    """Networks of proxies whose `X-Forwarded-For` is believed, in CIDR notation, separated by commas."""

    allow_unsafe_database: bool = False
    """Whether to start on a database with `fsync`, `full_page_writes` or `synchronous_commit` off, which loses data \
in a crash. Readiness shows it in any case."""

    retain_deliveries_days: Days = 365
    """Days that a webhook delivery that is over is kept, with its body; `forever` is possible here and below. Events \
are their links' history and stay as long as these."""

    retain_attempts_days: Days = 90
    """Days that each attempt at a delivery is kept, with what was sent and answered."""

    retain_idempotency_days: DaysMore = 0
    """Days that an idempotency key and its answer are kept after the key stands for nothing any more."""

    retain_inbox_days: Days = 30
    """Days that the sandbox inbox keeps a message."""

    retain_codes_days: Days = 7
    """Days that a one-time code is remembered after its end, so that a late second use is noticed."""

    retain_audit_days: DaysOfMonths = Field(default=None, json_schema_extra=_shown("`forever`"))
    """Days that the audit log is kept, in whole calendar months."""

    log_format: LogFormat = LogFormat.JSON
    """`json` (one object a line) or `console` (for people)."""

    log_level: LogLevel = LogLevel.INFO
    """`debug`, `info`, `warning` or `error`."""

    pool_size: int = Field(default=10, ge=2, le=500)
    """Database connections of one process, and so its requests in flight."""

    worker_concurrency: int = Field(default=64, ge=1, le=1000)
    """Webhook deliveries in flight at once, in one worker."""

    max_body_bytes: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest request body, in bytes; a form with pictures of DevDraft's products may have 5 MiB more."""

    request_timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Time for a request to arrive, and again to be answered, in seconds."""

    rate_limits: RateLimits = Field(default={}, json_schema_extra=_shown("`documented`"))
    """Requests of one credential: `documented` (as each provider does), `off`, or a list such as \
`devdraft=1000 per minute, txn=20 per second, qonto=off`; what it leaves out stays as documented."""

    redis_url: SecretStr | None = Field(default=None, json_schema_extra=_shown("none"))
    """Redis' address, for rate limits that several processes share."""


def load(**overrides: Any) -> Settings:
    """The settings of the environment. Raises SettingsProblem, which never shows a value."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        sentences = [
            f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}."
            for problem in problems
            # Follows from another problem, and is nothing to mend.
            if problem["type"] != "default_factory_not_called"
        ]
        raise SettingsProblem("\n".join(sentences)) from None


def for_demo(settings: Settings) -> Settings:
    """The same with the sandbox on, and webhooks free to reach this machine unless told otherwise."""
    changes: dict[str, Any] = {"sandbox": True}
    if "webhook_allowed_networks" not in settings.model_fields_set:
        changes["webhook_allowed_networks"] = LOOPBACK
    return settings.model_copy(update=changes)


def check(settings: Settings) -> list[str]:
    """What stands against starting with these, as sentences. A sandbox may have any secrets."""
    if settings.sandbox:
        return []
    problems = [
        f"{PREFIX}{name.upper()} {problem}"
        for name in ("admin_token", "secret_key")
        if (problem := _weakness(getattr(settings, name)))
    ]
    if not problems and settings.admin_token == settings.secret_key:
        problems.append(f"{PREFIX}ADMIN_TOKEN and {PREFIX}SECRET_KEY must differ.")
    return problems


def with_sandbox_secrets(settings: Settings) -> Settings:
    """In a sandbox, missing secrets are made once and kept in the data directory, for all its processes.

    Raises SettingsProblem when the file that holds them cannot be written or read.
    """
    if not settings.sandbox or (settings.admin_token and settings.secret_key):
        return settings
    try:
        if not _secrets_file(settings).exists():
            _make_secrets(_secrets_file(settings))
    except OSError as error:
        raise SettingsProblem(f"The data directory {settings.data_dir} cannot be used: {error}.") from None
    return with_stored_secrets(settings)


def with_stored_secrets(settings: Settings) -> Settings:
    """Secrets that a sandbox left in the data directory, where the environment has none.

    For commands that work beside a running server and need not know that it is a sandbox.
    """
    file = _secrets_file(settings)
    try:
        stored = json.loads(file.read_text())
        found = {name: SecretStr(stored[name]) for name in ("admin_token", "secret_key")}
    except FileNotFoundError:
        return settings
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsProblem(f"{file} cannot be read as the sandbox's secrets.") from None
    return settings.model_copy(update={name: value for name, value in found.items() if getattr(settings, name) is None})


def noted_address(settings: Settings) -> str | None:
    """Where the server of this data directory last ran, if one did."""
    try:
        return (settings.data_dir / ADDRESS_FILE).read_text() if settings.database_url is None else None
    except OSError:
        return None


def _weakness(secret: SecretStr | None) -> str | None:
    text = secret.get_secret_value() if secret else ""
    if not text:
        weakness = "is missing"
    elif len(text) < SHORTEST_SECRET_CHARACTERS:
        weakness = f"is shorter than {SHORTEST_SECRET_CHARACTERS} characters"
    elif len(set(text)) < FEWEST_DIFFERENT_CHARACTERS or PLACEHOLDERS.search(text):
        weakness = "is a placeholder"
    else:
        return None
    return f"{weakness}; make one with: openssl rand -base64 32"


def _secrets_file(settings: Settings) -> Path:
    return settings.data_dir / "sandbox-secrets.json"


def _make_secrets(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as opened:  # noqa: PTH123 (a descriptor, not a path)
        json.dump({name: secrets.token_urlsafe(32) for name in ("admin_token", "secret_key")}, opened)
    # Of processes that start together, one wins, and nobody sees half a file.
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
