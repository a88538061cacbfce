"""Taxes: create, list, get, change, delete. Any key may, for no scope is documented."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, keys, paging, paths
from payglot.dialects.devdraft.errors import BadRequest
from payglot.dialects.devdraft.mapping import without_nulls
from payglot.dialects.devdraft.routing import at
from payglot.dialects.devdraft.schemas import FAILURES, REFUSED, Failure
from payglot.dialects.devdraft.taxes import mapping, schemas
from payglot.operations import taxes
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_TAXES = "/api/v0/taxes"
_ONE = f"{_TAXES}/{{id}}"
_ACTIVE = {"true": True, "false": False}
_FOUND = {404: ("No such tax", Failure), 400: ("The id is no UUID", Failure), **FAILURES}
_NO_ID = "Tax ID is required in the URL path. Use {0} /api/v0/taxes/{{id}} to {1} a specific tax."


@at(
    router,
    "POST",
    _TAXES,
    **openapi.operation(
        "Create a tax",
        body=schemas.CreateTax,
        parameters=(keys.HEADER,),
        answers={
            201: ("Created", schemas.Tax),
            409: ("The key was used for another request", Failure),
            **REFUSED,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request)
    sent = await inputs.read_json(request)

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.CreateTax, mapping.complete(without_nulls(sent)))
        made = await taxes.create(tx, mapping.new_tax(body, call.merchant, call.now))
        return answer(201, mapping.tax(made, call.merchant))

    return await keys.once(call, sent, work)


@at(
    router,
    "GET",
    _TAXES,
    **openapi.operation(
        "List taxes, newest first",
        parameters=(
            *paging.parameters(),
            openapi.query("name", "A part of the name, in any case", type="string", maxLength=100),
            openapi.query("active", "Only these", type="boolean"),
        ),
        answers={200: ("OK", list[schemas.Tax]), 400: ("A parameter is not valid", Failure), **FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request)
    page = paging.read(request)
    name = paging.text(request, "name", longest=100)
    active = paging.one_of(request, "active", tuple(_ACTIVE))
    async with call.services.database.single() as tx:
        found = await taxes.newest(
            tx,
            call.merchant.id,
            name=name,
            active=None if active is None else _ACTIVE[active],
            skip=page.skip,
            take=page.take,
        )
    return answer(200, [mapping.tax(each, call.merchant) for each in found])


@at(router, "GET", _ONE, **openapi.operation("Get a tax", answers={200: ("OK", schemas.Tax), **_FOUND}))
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    known = paths.checked(id)
    async with call.services.database.single() as tx:
        return answer(200, mapping.tax(await taxes.get(tx, call.merchant.id, known), call.merchant))


_CHANGE = openapi.operation(
    "Change what is given of a tax, for payments that start from then on",
    body=schemas.UpdateTax,
    answers={200: ("The tax as it is now", schemas.Tax), 404: ("No such tax", Failure), **REFUSED},
)


async def update(id: str, request: Request) -> Response:
    """One generation of the documentation says PUT, another PATCH."""
    call = await auth.caller(request)
    known = paths.checked(id)
    sent = await inputs.read_json(request)
    body = inputs.check(schemas.UpdateTax, without_nulls(sent, keep=mapping.NULLABLE))

    async def work(tx: Tx) -> Response:
        changed = await taxes.change(tx, call.merchant.id, known, now=call.now, **mapping.changes(body))
        return answer(200, mapping.tax(changed, call.merchant))

    return await atomic(call.services.database, work)


at(router, "PUT", _ONE, **_CHANGE)(update)
at(router, "PATCH", _ONE, **_CHANGE)(update)


@at(
    router,
    "DELETE",
    _ONE,
    **openapi.operation("Delete a tax", answers={200: ("The tax that was deleted", schemas.Tax), **_FOUND}),
)
async def delete(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    known = paths.checked(id)

    async def work(tx: Tx) -> Response:
        return answer(200, mapping.tax(await taxes.remove(tx, call.merchant.id, known), call.merchant))

    return await atomic(call.services.database, work)


_NOWHERE = {400: ("The id is missing", Failure), **FAILURES}


@at(router, "PUT", _TAXES, **openapi.operation("Change no tax: the id is missing", answers=_NOWHERE))
async def update_nothing(request: Request) -> Response:
    await auth.caller(request)
    raise BadRequest(_NO_ID.format("PUT", "update"))


@at(router, "DELETE", _TAXES, **openapi.operation("Delete no tax: the id is missing", answers=_NOWHERE))
async def delete_nothing(request: Request) -> Response:
    await auth.caller(request)
    raise BadRequest(_NO_ID.format("DELETE", "delete"))
