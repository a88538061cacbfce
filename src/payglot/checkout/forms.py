"""What payers' browsers send: read within bounds, and believed only from our own pages.

No cookie gives a form any power, so forging one gains nothing; the checks keep other sites from acting in a payer's
browser all the same. `Once` is what makes a form safe to send twice.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.requests import Request

from payglot.operations.vault import Vault
from payglot.web import inputs, origin
from payglot.web.origin import Forged as Forged
from payglot.web.refusals import BodyTooLarge, Invalid, WrongContentType

ACTION, NONCE, PROOF = "action", "nonce", "proof"
"""Our own fields, which no flow may use as names."""

_LARGEST_BYTES = 64 * 1024
_MOST_FIELDS = 100
_LONGEST_VALUE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """Names one rendering of a form: a nonce, or the state that was shown. `proof` shows that we rendered it."""

    mark: str
    proof: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """`values` are what the payer filled in, without our own fields."""

    action: str
    mark: str
    proof: str
    values: Mapping[str, str]


async def read(request: Request) -> Form:
    """Raises Forged, WrongContentType, BodyTooLarge, or Invalid, also for text that no field of a page can hold."""
    origin.check(request)
    if inputs.media_type(request) != "application/x-www-form-urlencoded" or "content-encoding" in request.headers:
        raise WrongContentType
    body = await request.body()
    if len(body) > _LARGEST_BYTES:
        raise BodyTooLarge
    try:
        pairs = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Invalid([]) from None
    own = {name: pairs.pop(name, "") for name in (ACTION, NONCE, PROOF)}
    if any(len(value) > _LONGEST_VALUE or any(c < " " for c in value) for value in pairs.values()):
        raise Invalid([])
    return Form(action=own[ACTION], mark=own[NONCE], proof=own[PROOF], values=pairs)


def new_once(vault: Vault, link_id: UUID) -> Once:
    """For a form that starts a payment: the payment remembers the mark, so the form starts no second one."""
    return once_for(vault, link_id, secrets.token_hex(16))


def once_for(vault: Vault, id: UUID, mark: str) -> Once:
    return Once(mark=mark, proof=vault.form_token("form", str(id), mark))


def check(vault: Vault, id: UUID, form: Form) -> None:
    """Raises Forged unless we rendered this form for just this link or payment."""
    if not hmac.compare_digest(once_for(vault, id, form.mark).proof.encode(), form.proof.encode()):
        raise Forged
