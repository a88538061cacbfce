"""Why a link is in its state."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.admin import mapping, schemas
from payglot.admin.office import Errand, errand, uuid
from payglot.admin.openapi import FAILURES
from payglot.domain.dossier import Dossier
from payglot.operations import explaining, links
from payglot.web import openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx
from payglot.web.refusals import Invalid

router = APIRouter()

SLUG_DIALECT = "devdraft"
"""Whose pages have addresses that merchants chose."""
LONGEST_NAME = 4096


@router.get(
    "/admin/v1/links/{link_id}/explain",
    **openapi.operation(
        "Tell why a link is in its state: the causes in order, with their evidence",
        answers={200: ("OK", schemas.Explanation), **FAILURES},
    ),
)
async def explain(link_id: str, request: Request) -> Response:
    call = errand(request)
    id = _spelled(call, link_id) or uuid(link_id, "link")
    async with call.services.database.single() as tx:
        return await _explained(tx, call, await links.get_any(tx, id, call.now))


@router.get(
    "/admin/v1/explain",
    **openapi.operation(
        "The same of the link that a text names: its id in any dialect's spelling, a payment's, or its page's address",
        answers={200: ("OK", schemas.Explanation), **FAILURES},
        parameters=(openapi.query("link", "What names the link", required=True),),
    ),
)
async def explain_named(request: Request) -> Response:
    call = errand(request)
    name = request.query_params.get("link", "")
    if not 0 < len(name) <= LONGEST_NAME or "\0" in name:
        raise Invalid([{"loc": ("link",), "msg": "must be an id or an address"}])
    async with call.services.database.single() as tx:
        dossier = await explaining.find(tx, name, call.now, by_slug=SLUG_DIALECT, spelled=_spelled(call, name.strip()))
        return await _explained(tx, call, dossier)


async def _explained(tx: Tx, call: Errand, dossier: Dossier) -> Response:
    port = call.office.ports.get(dossier.link.dialect)
    title = port.title if port else dossier.link.dialect
    told = await explaining.explain(tx, dossier, title=title)
    return answer(200, mapping.explanation(told, call.services.public_url))


def _spelled(call: Errand, text: str) -> UUID | None:
    for port in call.office.ports.values():
        if (id := port.read_id(text)) is not None:
            return id
    return None
