"""Rendering: templates that escape, assets under names that change with their content, headers that trust nobody."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

ASSETS_PATH = "/assets/"

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    content: bytes
    media_type: str


def page(template: str, *, status: int = 200, secure: bool = False, **values: Any) -> Response:
    """A whole page. `secure` tells that the public address is https."""
    headers = _HEADERS | ({"strict-transport-security": "max-age=31536000"} if secure else {})
    return Response(render(template, **values), status_code=status, media_type="text/html", headers=headers)


def render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


def asset(name: str) -> Response | None:
    """The asset of this hashed name, to be kept for ever; None when there is none."""
    found = _assets().get(name)
    if found is None:
        return None
    headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)


@functools.cache
def _assets() -> Mapping[str, Asset]:
    """By hashed name."""
    found = {}
    for file in (resources.files(__package__) / "assets").iterdir():
        content = file.read_bytes()
        stem, _, extension = file.name.rpartition(".")
        if extension in _TYPES:
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[f"{stem}.{digest}.{extension}"] = Asset(content=content, media_type=_TYPES[extension])
    return found


def _asset_path(name: str) -> str:
    stem, _, extension = name.rpartition(".")
    return next(ASSETS_PATH + n for n in _assets() if n.startswith(f"{stem}.") and n.endswith(f".{extension}"))


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("payglot.sandbox"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = _asset_path
    return environment
