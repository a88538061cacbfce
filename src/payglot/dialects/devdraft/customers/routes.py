"""Customers: create, list, get, change."""

from typing import get_args

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, inferred, keys, paging, paths
from payglot.dialects.devdraft.customers import mapping, schemas
from payglot.dialects.devdraft.mapping import without_nulls
from payglot.dialects.devdraft.routing import at
from payglot.dialects.devdraft.schemas import FAILURES, REFUSED, Failure
from payglot.operations import customers
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_CUSTOMERS = "/api/v0/customers"
_ONE = f"{_CUSTOMERS}/{{id}}"
_STATUSES = get_args(schemas.Status)
_UNKNOWN = {404: ("No such customer", Failure)}
_TAKEN = "Another customer has the e-mail address"


@at(
    router,
    "POST",
    _CUSTOMERS,
    **openapi.operation(
        "Create a customer",
        body=schemas.CreateCustomer,
        parameters=(keys.HEADER,),
        answers={
            201: ("Created", schemas.Customer),
            409: (f"{_TAKEN}, or the key was used for another request", Failure),
            **REFUSED,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, "customer:create")
    sent = await inputs.read_json(request)

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.CreateCustomer, without_nulls(sent))
        made = await customers.create(tx, mapping.new_customer(body, call.merchant, call.now))
        return answer(201, mapping.customer(made))

    return await keys.once(call, sent, work)


@at(
    router,
    "GET",
    _CUSTOMERS,
    **openapi.operation(
        "List customers, newest first",
        parameters=(
            *paging.parameters(),
            openapi.query("status", "Only these", type="string", enum=list(_STATUSES)),
            openapi.query("name", "A part of the name, in any case", type="string", maxLength=100),
            openapi.query("email", "The whole address, in any case", type="string", maxLength=inferred.MAX_EMAIL),
        ),
        answers={200: ("OK", schemas.CustomerList), 400: ("A parameter is not valid", Failure), **FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request, "customer:list")
    page = paging.read(request)
    where = customers.Filter(
        status=paging.one_of(request, "status", _STATUSES),
        name=paging.text(request, "name", longest=100),
        email=paging.text(request, "email", longest=inferred.MAX_EMAIL),
    )
    async with call.services.database.single() as tx:
        found, total = await customers.newest(tx, call.merchant.id, where, skip=page.skip, take=page.take)
    shown: schemas.CustomerList = {
        "data": [mapping.customer(each) for each in found],
        "total": total,
        "skip": page.skip,
        "take": page.take,
    }
    return answer(200, shown)


@at(
    router,
    "GET",
    _ONE,
    **openapi.operation(
        "Get a customer",
        answers={200: ("OK", schemas.Customer), 400: ("The id is no UUID", Failure), **_UNKNOWN, **FAILURES},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, "customer:read")
    known = paths.checked(id)
    async with call.services.database.single() as tx:
        return answer(200, mapping.customer(await customers.get(tx, call.merchant.id, known)))


@at(
    router,
    "PATCH",
    _ONE,
    **openapi.operation(
        "Change what is given of a customer",
        body=schemas.UpdateCustomer,
        answers={200: ("The customer as it is now", schemas.Customer), 409: (_TAKEN, Failure), **_UNKNOWN, **REFUSED},
    ),
)
async def update(id: str, request: Request) -> Response:
    call = await auth.caller(request, "customer:update")
    known = paths.checked(id)
    sent = await inputs.read_json(request)
    body = inputs.check(schemas.UpdateCustomer, without_nulls(sent, keep=mapping.NULLABLE))

    async def work(tx: Tx) -> Response:
        changed = await customers.change(tx, call.merchant.id, known, now=call.now, **mapping.changes(body))
        return answer(200, mapping.customer(changed))

    return await atomic(call.services.database, work)
