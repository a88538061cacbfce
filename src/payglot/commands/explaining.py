"""`payglot explain`: why a link is in its state."""

import json
from typing import Annotated

import typer

from payglot.commands import office
from payglot.commands.office import AsJson, Server, shown


def explain(
    link: Annotated[
        str,
        typer.Argument(
            help="The link's id in any dialect's spelling, one of its payments', or its page's address.",
            show_default=False,
        ),
    ],
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Tell why a link is in its state, in words to read to a customer: each cause with its time and evidence."""
    found = office.find(server).ask("GET", "/admin/v1/explain", query={"link": link})
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for cause in found["causes"]:
        typer.echo(f"{cause['at']}  {cause['origin']:<8}  {shown(cause['text'])}")
    typer.echo(f"\n{shown(found['conclusion'])}")
