"""Checkout addresses, in every form that a create call answers with, and the link that each stands for."""

import re
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.operations import links
from payglot.web.atomic import Tx

# Only two providers' addresses hold something else than a token: DevDraft's a slug, Txn's the link's id.
SLUG_DIALECT = "devdraft"
ID_DIALECT = "txn"

_TOKEN = re.compile(r"[0-9a-f]{64}")


async def find(tx: Tx, url: str, now: datetime) -> Dossier:
    """The link that this address opens, as it stands at `now`; raises NotFound.

    Scheme and host are not compared: behind a proxy or a forwarded port the same page has several.
    """
    try:
        parts = urlsplit(url)
        path = unquote(parts.path, errors="strict")
        query = parse_qs(parts.query, max_num_fields=20)
    except ValueError:
        raise NotFound(thing="link") from None
    if "\0" in path:
        raise NotFound(thing="link")
    if path == "/redirect":
        return await _by_id(tx, query.get("payment_link_id", [""])[0], now)
    if not path.startswith("/pay/"):
        raise NotFound(thing="link")
    first, _, rest = path.removeprefix("/pay/").partition("/")
    if rest:
        return await links.get_by_slug(tx, SLUG_DIALECT, first, rest, now)
    if not _TOKEN.fullmatch(first):
        raise NotFound(thing="link")
    return await links.get_by_token(tx, first, now)


async def _by_id(tx: Tx, text: str, now: datetime) -> Dossier:
    try:
        id = UUID(text)
    except ValueError:
        raise NotFound(thing="link") from None
    dossier = await links.locked(tx, id)
    if dossier.link.dialect != ID_DIALECT:
        raise NotFound(thing="link")
    return dossier.seen_at(now)
