"""The audit log: who changed what, when, from where."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import cursor
from payglot.admin.office import errand
from payglot.admin.openapi import BY_MERCHANT, FAILURES
from payglot.domain.audit import Action, AuthorKind, Entry as Stored, Thing
from payglot.operations import audit
from payglot.web import instants, openapi
from payglot.web.answers import answer
from payglot.web.openapi import Instant
from payglot.web.refusals import Invalid

router = APIRouter()


class Author(TypedDict):
    """`id` is the credential's, or the sign-in code's with which a merchant's person came. `address` is where the
    request came from, and `request_id` its name in the log; a command or the system has neither."""

    kind: AuthorKind
    id: str | None
    dialect: str | None
    address: str | None
    request_id: str | None


class AuditEntry(TypedDict):
    """`fields` names what changed; values are not kept. A connection goes by its merchant's id."""

    id: str
    at: Instant
    merchant_id: str
    dialect: str | None
    thing: Thing
    thing_id: str
    action: Action
    fields: list[str]
    author: Author


class AuditPage(TypedDict):
    data: list[AuditEntry]
    next_cursor: str | None


@router.get(
    "/admin/v1/audit",
    **openapi.operation(
        "List who changed what, newest first",
        answers={200: ("OK", AuditPage), **FAILURES},
        parameters=(
            openapi.query("thing", "Only this kind of thing", type="string", enum=[str(each) for each in Thing]),
            openapi.query("thing_id", "Only this thing", type="string", format="uuid"),
            *BY_MERCHANT,
        ),
    ),
)
async def index(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    merchant_id, thing_id = cursor.id_of(request, "merchant_id"), cursor.id_of(request, "thing_id")
    thing = _thing(request)
    async with call.services.database.single() as tx:
        found = await audit.newest(tx, merchant_id, thing=thing, thing_id=thing_id, before=before, limit=limit + 1)
    return answer(200, cursor.page(found, limit, shown, lambda last: str(last.id)))


def shown(entry: Stored) -> AuditEntry:
    author = entry.author
    return {
        "id": str(entry.id),
        "at": instants.millis(entry.at),
        "merchant_id": str(entry.merchant_id),
        "dialect": entry.dialect,
        "thing": entry.thing,
        "thing_id": str(entry.thing_id),
        "action": entry.action,
        "fields": list(entry.fields),
        "author": {
            "kind": author.kind,
            "id": None if author.id is None else str(author.id),
            "dialect": author.dialect,
            "address": author.address,
            "request_id": author.request_id,
        },
    }


def _thing(request: Request) -> Thing | None:
    text = request.query_params.get("thing")
    if not text:
        return None
    try:
        return Thing(text)
    except ValueError:
        raise Invalid([{"loc": ("thing",), "msg": f"must be one of {', '.join(Thing)}"}]) from None
