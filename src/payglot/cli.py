"""The `payglot` command."""

import gc
import json
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvloop

from payglot import __version__
from payglot.commands import deliveries, explaining, listening
from payglot.commands.office import Problem
from payglot.settings import LogFormat, Settings, SettingsProblem, for_demo, load, with_stored_secrets
from payglot.web import logs

if TYPE_CHECKING:
    from payglot.launch import Ready

# `launch` loads the whole server, which takes seconds; the commands that only ask one do without, and so each of the
# others loads it by itself.
app = typer.Typer(
    help="Payglot: one payment-link engine that speaks five providers' APIs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(deliveries.app, name="deliveries")
app.command()(explaining.explain)
app.command()(listening.listen)


@app.command()
def serve(
    worker: Annotated[bool, typer.Option(help="Do the background work in this process as well.")] = True,
) -> None:
    """API, checkout and background work in one process, on one port."""
    from payglot import launch

    settings = _settings()

    def announce(process: "Ready") -> None:
        typer.echo(f"Payglot {__version__} on {process.settings.public_url}", err=True)

    _run(launch.serve(settings, with_worker=worker, announce=announce))


@app.command()
def demo() -> None:
    """The same in sandbox mode, with a demo merchant; prints a working `curl` per dialect."""
    from payglot import launch

    settings = for_demo(_settings())
    if sys.stderr.isatty() and "log_format" not in settings.model_fields_set:
        logs.configure(format=LogFormat.CONSOLE, level=settings.log_level)

    def announce(process: "Ready") -> None:
        typer.echo(_welcome(process))

    _run(launch.serve(settings, announce=announce, as_demo=True))


@app.command(name="worker")
def work() -> None:
    """Background work only: any number of these beside `payglot serve --no-worker`."""
    from payglot import launch

    def announce(_process: "Ready") -> None:
        typer.echo(f"Payglot {__version__} worker", err=True)

    _run(launch.work(_settings(), announce=announce))


@app.command()
def migrate() -> None:
    """Bring the database to the current schema."""
    from payglot import launch

    revision = _run(launch.migrate(_settings()))
    typer.echo(f"The database is at schema {revision}.", err=True)


@app.command()
def provision(
    name: Annotated[str, typer.Option(help="The merchant's name, as payers see it.")],
    webhook_url: Annotated[
        str | None, typer.Option(help="One receiver for all five dialects. Default: the sandbox inbox.")
    ] = None,
    redirect_domain: Annotated[
        list[str] | None, typer.Option(help="A domain payers may be sent back to (repeatable).")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="A live-mode merchant; default is test mode.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """A merchant with credentials and endpoints in all five dialects. Secrets are shown once."""
    from payglot import launch

    given = _run(
        launch.provision_one(
            with_stored_secrets(_settings()),
            name=name,
            webhook_url=webhook_url,
            redirect_domains=redirect_domain or [],
            live=live,
            warn=lambda sentence: typer.echo(f"payglot: {sentence}", err=True),
        )
    )
    typer.echo(json.dumps(given, indent=2) if as_json else _as_text(given))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point: a problem that the user can solve is one line and exit code 1, never a traceback."""
    # Loading leaves no garbage, and looking for it takes a quarter of the start (measured). Who goes on turns it on.
    gc.disable()
    try:
        app()
    except (Problem, SettingsProblem) as error:
        _give_up(error)


def _settings() -> Settings:
    try:
        settings = load()
    except SettingsProblem as error:
        _give_up(error)
    logs.configure(format=settings.log_format, level=settings.log_level)
    return settings


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from payglot.embedded import CannotStart
    from payglot.launch import Refused

    try:
        return uvloop.run(work)
    except (Refused, SettingsProblem, CannotStart) as error:
        _give_up(error)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _give_up(error: Exception) -> Any:
    typer.echo("\n".join(f"payglot: {line}" for line in str(error).splitlines()), err=True)
    sys.exit(1)


def _as_text(given: dict[str, Any]) -> str:
    lines = [f"Merchant {given['merchant_id']} at {given['base_url']}", ""]
    for name, dialect in given["dialects"].items():
        lines.append(name)
        lines += [f"  {header}: {value}" for header, value in dialect["headers"].items()]
        lines.append(f"  webhook secret: {dialect['webhook_secret']}")
        lines += [f"  {key}: {value}" for key, value in dialect.get("oauth", {}).items()]
    return "\n".join(lines)


def _welcome(process: "Ready") -> str:
    url = process.settings.public_url
    lines = [
        "",
        f"  Payglot demo on {url}",
        f"  Webhook inbox:  {url}/sandbox/inbox",
        "",
        "  Create a link in each of the five dialects (paste one):",
    ]
    for name, command in (process.demo.examples() if process.demo else {}).items():
        lines += ["", f"  # {name}", f"  {command}"]
    lines += [
        "",
        "  Open the returned address in a browser and pay; no money moves. Then look at the inbox.",
        "  Ctrl-C stops everything; starting again finds the data.",
        "",
    ]
    return "\n".join(lines)
