"""`payglot listen`: events as they happen, on a developer's machine."""

import gc
from typing import Annotated

import typer

from payglot.commands import office
from payglot.commands.office import Server


def listen(
    forward_to: Annotated[str, typer.Option(help="Where to send them.", metavar="URL", show_default=False)],
    merchant: Annotated[
        str | None, typer.Option(help="Only this merchant's events. Default: everybody's.", show_default=False)
    ] = None,
    dialect: Annotated[
        str | None, typer.Option(help="Only of this dialect: p100, devdraft, bridge, qonto or txn.", show_default=False)
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="DIALECT=SECRET to sign with, instead of a new one (repeatable).", show_default=False),
    ] = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="Show headers and bodies, too.")] = False,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Send events on as they happen, until Ctrl-C: each once, in its dialect's body, headers and signature, made with
    a secret that is printed at the start. Nothing counts as delivered by it, and other endpoints get theirs as ever.
    What the receiver does not take is shown and not sent again."""
    # Here, because the dialects take long to load, and other commands start without them.
    import uvloop

    from payglot.commands import forwarding

    gc.enable()

    forwarding.check(forward_to, dialect)
    listener = forwarding.Listener(
        office=office.find(server),
        url=forward_to,
        query={name: value for name, value in (("merchant_id", merchant), ("dialect", dialect)) if value},
        secrets=forwarding.secrets(dialect, secret or []),
        bodies=bodies,
        as_json=as_json,
    )
    uvloop.run(listener.run())
