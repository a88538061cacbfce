"""Products: create, list, get, change, delete, and their pictures."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, keys, paging, paths, uploads
from payglot.dialects.devdraft.mapping import without_nulls
from payglot.dialects.devdraft.paging import problem
from payglot.dialects.devdraft.products import mapping, schemas
from payglot.dialects.devdraft.routing import at
from payglot.dialects.devdraft.schemas import FAILURES, REFUSED, Failure
from payglot.domain.catalogue import Product
from payglot.operations import products
from payglot.operations.products import Shown
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.call import Call, services_of
from payglot.web.refusals import Invalid
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_PRODUCTS = "/api/v0/products"
_ONE = f"{_PRODUCTS}/{{id}}"
_UNKNOWN = {404: ("No such product", Failure)}
_REUSED = {409: ("The key was used for another request", Failure)}
_FOR_EVER = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


@at(
    router,
    "POST",
    _PRODUCTS,
    **openapi.operation(
        "Create a product, as JSON or as a form with pictures",
        body=schemas.CreateProduct,
        parameters=(keys.HEADER,),
        answers={201: ("Created", schemas.Product), **_REUSED, **REFUSED},
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, "product:create")
    sent = await uploads.read(request, numbers=mapping.NUMBERS)

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.CreateProduct, without_nulls(sent.body))
        product = mapping.new_product(body, call.merchant, call.now)
        return _answer(201, call, await products.create(tx, product, [*body.images, *sent.files]))

    return await keys.once(call, sent.fingerprint, work)


@at(
    router,
    "GET",
    _PRODUCTS,
    **openapi.operation(
        "List products, newest first",
        parameters=paging.parameters(most=None),
        answers={
            200: ("OK", schemas.ProductList),
            400: ("`skip` or `take` is not valid", Failure),
            **FAILURES,
        },
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request, "product:list")
    page = paging.read(request, most=None)
    async with call.services.database.single() as tx:
        found, total = await products.newest(tx, call.merchant.id, skip=page.skip, take=page.take)
    shown: schemas.ProductList = {
        "data": [mapping.product(each, call.merchant, call.services.public_url) for each in found],
        "total": total,
        "skip": page.skip,
        "take": page.take,
    }
    return answer(200, shown)


@at(
    router,
    "GET",
    _ONE,
    **openapi.operation("Get a product", answers={200: ("OK", schemas.Product), **_UNKNOWN, **FAILURES}),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, "product:read")
    known = paths.uuid(id, "product")
    async with call.services.database.single() as tx:
        return _answer(200, call, await products.get(tx, call.merchant.id, known))


@at(
    router,
    "PUT",
    _ONE,
    **openapi.operation(
        "Change what is given of a product, as JSON or as a form with pictures that replace all others",
        body=schemas.UpdateProduct,
        answers={200: ("The product as it is now", schemas.Product), **_UNKNOWN, **REFUSED},
    ),
)
async def update(id: str, request: Request) -> Response:
    call = await auth.caller(request, "product:update")
    known = paths.uuid(id, "product")
    sent = await uploads.read(request, numbers=mapping.NUMBERS)
    body = inputs.check(schemas.UpdateProduct, without_nulls(sent.body, keep=mapping.NULLABLE))
    shown: list[Shown] = [*(body.images or ()), *sent.files]
    replacing = body.images is not None or bool(sent.files)

    async def work(tx: Tx) -> Response:
        changed = await products.change(
            tx,
            call.merchant.id,
            known,
            pictures=shown if replacing else None,
            now=call.now,
            **mapping.changes(body),
        )
        return _answer(200, call, changed)

    return await atomic(call.services.database, work)


@at(
    router,
    "DELETE",
    _ONE,
    **openapi.operation(
        "Delete a product and its pictures",
        answers={200: ("The product that was deleted", schemas.Product), **_UNKNOWN, **FAILURES},
    ),
)
async def delete(id: str, request: Request) -> Response:
    """No scope for this is documented; who may change a product may withdraw it."""
    call = await auth.caller(request, "product:update")
    known = paths.uuid(id, "product")

    async def work(tx: Tx) -> Response:
        return _answer(200, call, await products.remove(tx, call.merchant.id, known))

    return await atomic(call.services.database, work)


@at(
    router,
    "POST",
    f"{_ONE}/images",
    **openapi.operation(
        "Add pictures to a product, as a form whose `images` are JPEG, PNG or WebP files",
        body=schemas.Images,
        media_type=uploads.FORM,
        parameters=(keys.HEADER,),
        answers={201: ("The product as it is now", schemas.Product), **_UNKNOWN, **_REUSED, **REFUSED},
    ),
)
async def add_images(id: str, request: Request) -> Response:
    call = await auth.caller(request, "product:update")
    known = paths.uuid(id, "product")
    sent = await uploads.read_form(request)

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.UpdateProduct, {"images": sent.body.get("images", [])})
        shown: list[Shown] = [*(body.images or ()), *sent.files]
        if not shown:
            raise Invalid([problem("images", "should not be empty")])
        return _answer(201, call, await products.add_pictures(tx, call.merchant.id, known, shown, call.now))

    return await keys.once(call, sent.fingerprint, work)


@router.get(f"{_ONE}/images/{{image_id}}", include_in_schema=False)
async def image(id: str, image_id: str, request: Request) -> Response:
    """The address is ours and for everybody: pictures are what payers look at."""
    known: tuple[UUID, UUID] = paths.uuid(id, "picture"), paths.uuid(image_id, "picture")
    async with services_of(request).database.single() as tx:
        media_type, content = await products.picture(tx, *known)
    return Response(content, media_type=media_type, headers=_FOR_EVER)


def _answer(status: int, call: Call, product: Product) -> Response:
    return answer(status, mapping.product(product, call.merchant, call.services.public_url))
