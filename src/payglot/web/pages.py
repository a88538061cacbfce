"""Rendering: templates that escape, assets under names that change with their content, headers that trust nobody."""

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
PROTECTIVE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}
"""What every answer about a page says, also one that only leads to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    content: bytes
    media_type: str


class Pages:
    """The pages of one package: its `templates` and its `assets`, the latter served below `assets_path`."""

    def __init__(self, package: str, assets_path: str) -> None:
        self._package = package
        self._assets_path = assets_path

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        secure: bool = False,
        images_from: Iterable[str] = (),
        forms_to: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """A whole page. `secure` tells that the public address is https. `images_from` and `forms_to` are origins
        beside our own that pictures may come from, and that a submitted form may end at."""
        sent = {**PROTECTIVE, "content-security-policy": _policy(images_from, forms_to), **(headers or {})}
        if secure:
            sent["strict-transport-security"] = "max-age=31536000"
        return Response(self.render(template, **values), status_code=status, media_type="text/html", headers=sent)

    def render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(**values)

    def asset(self, name: str) -> Response | None:
        """The asset of this hashed name, to be kept for ever; None when there is none."""
        found = self.assets.get(name)
        if found is None:
            return None
        headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
        return Response(found.content, media_type=found.media_type, headers=headers)

    @functools.cached_property
    def assets(self) -> Mapping[str, Asset]:
        """By hashed name."""
        found = {}
        for file in (resources.files(self._package) / "assets").iterdir():
            content = file.read_bytes()
            stem, _, extension = file.name.rpartition(".")
            if extension in _TYPES:
                digest = hashlib.sha256(content).hexdigest()[:12]
                found[f"{stem}.{digest}.{extension}"] = Asset(content=content, media_type=_TYPES[extension])
        return found

    def _asset_path(self, name: str) -> str:
        stem, _, extension = name.rpartition(".")
        return next(
            self._assets_path + n for n in self.assets if n.startswith(f"{stem}.") and n.endswith(f".{extension}")
        )

    @functools.cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=PackageLoader(self._package),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["asset"] = self._asset_path
        return environment


def _policy(images_from: Iterable[str], forms_to: Iterable[str]) -> str:
    images, forms = " ".join(["'self'", *images_from]), " ".join(["'self'", *forms_to])
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src {images}; connect-src 'self'; "
        f"form-action {forms}; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    )
