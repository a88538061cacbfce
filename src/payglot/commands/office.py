"""The operator's API as commands ask it: where it is, what opens it, and its failures as one clear line."""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer

from payglot import __version__
from payglot.settings import Settings, load, noted_address, with_stored_secrets

SECONDS = 30.0
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")

Server = Annotated[
    str | None,
    typer.Option(
        help="The server's address. Default: PAYGLOT_PUBLIC_URL, or that of the data directory's last server. "
        "PAYGLOT_ADMIN_TOKEN opens it, or what a sandbox has left in the data directory.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the operator's API answers it.")]


class Problem(Exception):
    """A command cannot do what was asked; the text says why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """One server's operator's API."""

    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "User-Agent": f"Payglot/{__version__}"}

    def ask(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        """The answer's JSON; raises Problem. What is None in the query is left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        with self.asking(), self.client() as http:
            response = http.request(method, self.url + path, params=given, json=body)
        return self.read(response)

    def read(self, response: httpx.Response) -> dict[str, Any]:
        """Raises Problem unless it is a success."""
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            return answer
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise Problem(f"{self.url} refuses the admin token: set PAYGLOT_ADMIN_TOKEN to the one it runs with.")
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict) or "message" not in error:
            raise Problem(f"{self.url} does not answer as Payglot does (HTTP {response.status_code}): check --server.")
        fields = [f"{each['field']}: {each['message']}" for each in error.get("fields", ())]
        raise Problem("; ".join(fields) + "." if fields else str(error["message"]))

    def client(self) -> httpx.Client:
        return httpx.Client(headers=self.headers, timeout=SECONDS, trust_env=False, verify=ssl.create_default_context())

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Turns a server that cannot be reached into a Problem."""
        try:
            yield
        except httpx.TimeoutException:
            raise Problem(f"{self.url} does not answer in time.") from None
        except httpx.HTTPError as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise Problem(
                f"No server answers at {self.url} ({reason}). Is it running? Give --server or PAYGLOT_PUBLIC_URL."
            ) from None


def find(server: str | None) -> Office:
    """The office of the server that is meant; raises Problem or SettingsProblem."""
    settings = with_stored_secrets(load())
    token = settings.admin_token.get_secret_value() if settings.admin_token else ""
    if not token:
        raise Problem(
            f"PAYGLOT_ADMIN_TOKEN is not set, and no sandbox has left one in {settings.data_dir}: give the token that "
            "the server runs with."
        )
    return Office(url=_address(settings, server), token=token)


def part(id: str) -> str:
    """An id as a path's part; raises Problem for what can be none."""
    if not _ID.fullmatch(id.strip()):
        raise Problem(f"That is no id: {shown(id)}.")
    return id.strip()


def shown(text: Any) -> str:
    """As a terminal may be given it: what receivers answer and merchants write must not move its cursor."""
    return "".join(c if c.isprintable() else " " if c in "\n\t\r" else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def table(rows: list[dict[str, Any]], columns: Mapping[str, Callable[[dict[str, Any]], Any]]) -> str:
    """One row a line under a line of names."""
    lines = [list(columns)]
    lines += [[shown("-" if (value := read(row)) is None else value) for read in columns.values()] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    padded = (("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def _address(settings: Settings, server: str | None) -> str:
    chosen = server
    if chosen is None:
        noted = None if "public_url" in settings.model_fields_set else noted_address(settings)
        chosen = noted or settings.public_url
    parts = urlsplit(chosen)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise Problem("--server must be an address like https://pay.example.com.")
    return f"{parts.scheme}://{parts.netloc}"
