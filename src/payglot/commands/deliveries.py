"""`payglot deliveries`: what became of webhooks, and sending them again."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from payglot.commands import office
from payglot.commands.office import AsJson, Office, Problem, Server, part, shown, table

POLL_SECONDS = 0.2
WAIT_SECONDS = 20.0
BODY_CHARACTERS = 4000

app = typer.Typer(
    help="What became of webhooks, and sending them again, by the operator's API of a running server.",
    no_args_is_help=True,
)


class Status(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELED = "canceled"


DeliveryId = Annotated[str, typer.Argument(help="The delivery's id.", show_default=False)]
EndpointId = Annotated[str, typer.Argument(help="The endpoint's id.", show_default=False)]
Merchant = Annotated[str | None, typer.Option(help="Only this merchant's.", show_default=False)]
Wait = Annotated[float, typer.Option(min=0, max=600, help="Seconds to wait for the attempt; 0 does not wait.")]


@app.command(name="list")
def list_deliveries(
    merchant: Merchant = None,
    endpoint: Annotated[str | None, typer.Option(help="Only this endpoint's.", show_default=False)] = None,
    link: Annotated[str | None, typer.Option(help="Only of this link.", show_default=False)] = None,
    status: Annotated[Status | None, typer.Option(help="Only in this state.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    query = {
        "merchant_id": merchant,
        "endpoint_id": endpoint,
        "link_id": link,
        "status": status.value if status else None,
        "limit": limit,
    }
    found = office.find(server).ask("GET", "/admin/v1/deliveries", query=query)
    if as_json:
        _print_json(found)
        return
    typer.echo(table(found["data"], _DELIVERY) if found["data"] else "No deliveries.")
    if found["next_cursor"]:
        typer.echo(f"There are older ones: raise --limit (now {limit}) or choose fewer.", err=True)


@app.command()
def show(delivery: DeliveryId, server: Server = None, as_json: AsJson = False) -> None:
    """Show a delivery: its body, and every attempt with what was sent and answered."""
    found = _delivery(office.find(server), delivery)
    if as_json:
        _print_json(found)
        return
    typer.echo("\n".join(_lines_of(found)))


@app.command()
def log(
    link: Annotated[str, typer.Argument(help="The link's id.", show_default=False)],
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Show a link's events in order, with their deliveries and attempts."""
    asked = office.find(server)
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = asked.ask("GET", f"/admin/v1/links/{part(link)}/events", query={"limit": 200, "cursor": cursor})
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if as_json:
        _print_json({"data": found})
        return
    for event in found:
        typer.echo(f"{event['occurred_at']}  {event['sequence']:>3}  {event['kind']}")
        for delivery in event["deliveries"]:
            typer.echo(f"    {_summary(delivery)}")
            for attempt in delivery["log"]:
                typer.echo(f"        {_attempt(attempt)}")


@app.command()
def redeliver(delivery: DeliveryId, wait: Wait = WAIT_SECONDS, server: Server = None, as_json: AsJson = False) -> None:
    """Send one again with the same id and body, and wait for what its receiver says."""
    asked = office.find(server)
    sent = asked.ask("POST", f"/admin/v1/deliveries/{part(delivery)}/redeliver")
    _follow(asked, sent, wait, as_json)


@app.command(name="test")
def send_test(endpoint: EndpointId, wait: Wait = WAIT_SECONDS, server: Server = None, as_json: AsJson = False) -> None:
    """Send an endpoint a test event, and wait for what its receiver says."""
    asked = office.find(server)
    path = _path(_endpoint(asked, endpoint))
    _follow(asked, asked.ask("POST", f"{path}/test"), wait, as_json)


@app.command()
def replay(
    endpoint: EndpointId,
    since: Annotated[
        str | None,
        typer.Option(
            help="From this instant on (2031-05-06T07:08:09Z), or so long ago (90m, 36h, 5d).", metavar="WHEN"
        ),
    ] = None,
    link: Annotated[str | None, typer.Option(help="Only of this link.", show_default=False)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was given up.")] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Enable the endpoint first, if it is disabled.")] = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Send again what was made for an endpoint, in order; one that was paused is resumed by this."""
    if since is None and link is None:
        raise Problem("Say what to send again: --since, or --link.")
    asked = office.find(server)
    path = _path(_endpoint(asked, endpoint))
    if enable:
        asked.ask("PATCH", path, body={"enabled": True})
    body = {"since": None if since is None else _instant(since), "link_id": link, "only_failed": failed}
    done = asked.ask("POST", f"{path}/replay", body=body)
    if as_json:
        _print_json(done)
    else:
        resumed = "The endpoint was paused and is resumed. " if done["resumed"] else ""
        typer.echo(f"{resumed}{_count(done['deliveries'])} on the way again.")
    if done["not_rendered"]:
        raise Problem(f"{_count(done['not_rendered'])} cannot be put into words; the server's log says why.")
    if not done["enabled"]:
        raise Problem("The endpoint is disabled, so all of it waits: give --enable.")


@app.command()
def endpoints(merchant: Merchant = None, server: Server = None, as_json: AsJson = False) -> None:
    """List the endpoints in trouble: paused ones, then failing ones; or all of one merchant's."""
    asked = office.find(server)
    if merchant is not None:
        found = asked.ask("GET", f"/admin/v1/merchants/{part(merchant)}/endpoints")["data"]
    else:
        states = ("paused", "failing")
        found = [each for state in states for each in _in_trouble(asked, state)]
    if as_json:
        _print_json({"data": found})
    elif found:
        typer.echo(table(found, _ENDPOINT))
    else:
        typer.echo("No endpoints." if merchant else "No endpoint is in trouble.")


@app.command()
def rotate_secret(endpoint: EndpointId, server: Server = None, as_json: AsJson = False) -> None:
    """Give an endpoint a new secret, shown once; the old one is good beside it for 24 hours where the dialect can."""
    asked = office.find(server)
    rotated = asked.ask("POST", f"{_path(_endpoint(asked, endpoint))}/rotate-secret")
    if as_json:
        _print_json(rotated)
        return
    typer.echo(rotated["secret"])
    typer.echo(f"Shown this once. {_OVERLAP[rotated['dialect']]}", err=True)


_OVERLAP = {
    "p100": "P100 sends one token: this one, from the next attempt on. Send it to the receiver now, then replay what "
    "it refused meanwhile.",
    "devdraft": "X-Devdraft-Signature is made with it from the next attempt on; the old one's signature is beside it, "
    "in a header of its own, for 24 hours.",
    "bridge": "For 24 hours BridgeApi-Signature has a signature by each.",
    "qonto": "For 24 hours X-Qonto-Signature has a signature by each.",
    "txn": "For 24 hours svix-signature has a signature by each.",
}
"""What a rotation means to the receiver, in the dialect's own form."""

_DELIVERY = {
    "DELIVERY": lambda row: row["id"],
    "DIALECT": lambda row: row["dialect"],
    "EVENT": lambda row: row["name"],
    "STATE": lambda row: row["status"],
    "TRIES": lambda row: row["attempts"],
    "LAST": lambda row: row["last_status"] or row["last_error"],
    "NEXT": lambda row: row["next_attempt_at"],
    "CREATED": lambda row: row["created_at"],
    "LINK": lambda row: row["link_id"],
}
_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _follow(asked: Office, sent: dict[str, Any], wait: float, as_json: bool) -> None:
    """Until its next attempt is over; raises Problem unless that was accepted."""
    until, found = time.monotonic() + wait, sent
    while wait and not found["attempts"] and found["status"] == "pending" and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        found = _delivery(asked, sent["id"])
        if found["next_attempt_at"] is None and not found["attempts"] and _off(asked, found):
            break
    if as_json:
        _print_json(found)
    elif found["attempts"]:
        typer.echo(f"{_summary(found)}\n    {_attempt(found['log'][-1])}")
    else:
        typer.echo(_summary(found))
    if found["status"] == "delivered" or not wait:
        return
    if found["attempts"]:
        raise Problem(f"The receiver did not take it: {shown(found['last_status'] or found['last_error'])}.")
    raise Problem(_off(asked, found) or f"It was not sent within {wait:g} seconds: is a worker running?")


def _off(asked: Office, delivery: dict[str, Any]) -> str | None:
    """Why nothing is sent to a delivery's endpoint, as a sentence, if so."""
    endpoint = _endpoint(asked, delivery["endpoint_id"])
    if not endpoint["enabled"]:
        return "Its endpoint is disabled, so it waits."
    if endpoint["paused"]:
        return "Its endpoint is paused, so it waits: `payglot deliveries replay` resumes it."
    return None


def _in_trouble(asked: Office, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked.ask("GET", "/admin/v1/endpoints", query={"state": state})["data"]
    return found


def _delivery(asked: Office, id: str) -> dict[str, Any]:
    return asked.ask("GET", f"/admin/v1/deliveries/{part(id)}")


def _endpoint(asked: Office, id: str) -> dict[str, Any]:
    return asked.ask("GET", f"/admin/v1/endpoints/{part(id)}")


def _path(endpoint: dict[str, Any]) -> str:
    return f"/admin/v1/merchants/{endpoint['merchant_id']}/endpoints/{endpoint['id']}"


def _state(endpoint: dict[str, Any]) -> str:
    if not endpoint["enabled"]:
        return "disabled"
    if endpoint["paused"]:
        return f"paused ({endpoint['paused']})"
    return "failing" if endpoint["failing_since"] else "on"


_ENDPOINT = {
    "ENDPOINT": lambda row: row["id"],
    "DIALECT": lambda row: row["dialect"],
    "STATE": _state,
    "FAILING SINCE": lambda row: row["failing_since"],
    "FAILURES": lambda row: row["failures"],
    "URL": lambda row: row["url"],
    "MERCHANT": lambda row: row["merchant_id"],
}


def _summary(delivery: dict[str, Any]) -> str:
    next_at = delivery["next_attempt_at"]
    held = "; held" if delivery["status"] == "pending" else ""
    more = f"; next at {next_at}" if next_at else held
    return shown(f"{delivery['name']}  {delivery['status']}  {delivery['id']}  to {delivery['endpoint_id']}{more}")


def _attempt(attempt: dict[str, Any]) -> str:
    answered = attempt["status"] or attempt["error"]
    start = shown(attempt["answer"][:200])
    return f"{attempt['started_at']}  #{attempt['number']}  {answered} in {attempt['duration_ms']} ms  {start}".rstrip()


def _lines_of(delivery: dict[str, Any]) -> list[str]:
    names = ("id", "dialect", "name", "status", "endpoint_id", "link_id", "event_id", "created_at", "next_attempt_at")
    lines = [f"{name:<16} {shown(delivery[name])}" for name in names if delivery[name] is not None]
    lines += ["", _cut(delivery["body"])]
    for attempt in delivery["log"]:
        lines += ["", f"attempt {attempt['number']}: {_attempt(attempt)}"]
        lines += [f"    {shown(name)}: {shown(value)}" for name, value in attempt["request_headers"].items()]
    return lines


def _cut(body: str) -> str:
    return shown(body) if len(body) <= BODY_CHARACTERS else f"{shown(body[:BODY_CHARACTERS])}… (all of it with --json)"


def _instant(text: str) -> str:
    if match := _AGO.fullmatch(text.strip()):
        ago = timedelta(**{_UNITS[match[2]]: int(match[1])})
        try:
            return f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%S}Z"
        except OverflowError:
            raise Problem("--since is too long ago.") from None
    return text.strip()


def _count(deliveries: int) -> str:
    return "1 delivery is" if deliveries == 1 else f"{deliveries} deliveries are"


def _print_json(found: Any) -> None:
    typer.echo(json.dumps(found, indent=2))
