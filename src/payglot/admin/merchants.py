"""Merchants and their credentials."""

from dataclasses import asdict, replace
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import cursor, mapping, schemas
from payglot.admin.office import errand, uuid
from payglot.admin.openapi import FAILURES, LISTING
from payglot.domain.merchant import Beneficiary, HostedCheckout, MerchantSettings, Mode
from payglot.operations import credentials, merchants
from payglot.operations.credentials import Issued
from payglot.web import inputs, openapi
from payglot.web.answers import answer, empty
from payglot.web.atomic import Tx, atomic
from payglot.web.refusals import Invalid

router = APIRouter()


class MerchantPage(TypedDict):
    data: list[schemas.Merchant]
    next_cursor: str | None


class CredentialList(TypedDict):
    data: list[schemas.Credential]


@router.post(
    "/admin/v1/merchants",
    **openapi.operation(
        "Create a merchant", body=schemas.CreateMerchant, answers={201: ("Created", schemas.Merchant), **FAILURES}
    ),
)
async def create(request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.CreateMerchant, await inputs.read_json(request))

    async def work(tx: Tx) -> Response:
        if body.handle is not None and await merchants.find_by_handle(tx, body.handle):
            raise Invalid([{"loc": ("handle",), "msg": "is taken"}])
        merchant = await merchants.create(
            tx,
            name=body.name,
            mode=Mode(body.mode),
            handle=body.handle,
            settings=settings(body.settings, MerchantSettings()),
            now=call.now,
            by=call.author,
        )
        return answer(201, mapping.merchant(merchant))

    return await atomic(call.services.database, work)


@router.get(
    "/admin/v1/merchants",
    **openapi.operation(
        "List merchants, newest first", answers={200: ("OK", MerchantPage), **FAILURES}, parameters=LISTING
    ),
)
async def index(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    async with call.services.database.single() as tx:
        found = await merchants.newest(tx, before=before, limit=limit + 1)
    return answer(200, cursor.page(found, limit, mapping.merchant, lambda last: str(last.id)))


@router.get(
    "/admin/v1/merchants/{merchant_id}",
    **openapi.operation("Read a merchant", answers={200: ("OK", schemas.Merchant), **FAILURES}),
)
async def read(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        return answer(200, mapping.merchant(await merchants.get(tx, uuid(merchant_id, "merchant"))))


@router.patch(
    "/admin/v1/merchants/{merchant_id}",
    **openapi.operation(
        "Change a merchant: only the members that are sent",
        body=schemas.ChangeMerchant,
        answers={200: ("OK", schemas.Merchant), **FAILURES},
    ),
)
async def change(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.ChangeMerchant, await inputs.read_json(request))

    async def work(tx: Tx) -> Response:
        known = await merchants.get(tx, uuid(merchant_id, "merchant"), lock=True)
        changed = await merchants.change(
            tx,
            known.id,
            name=body.name or known.name,
            settings=known.settings if body.settings is None else settings(body.settings, known.settings),
            now=call.now,
            by=call.author,
        )
        return answer(200, mapping.merchant(changed))

    response = await atomic(call.services.database, work)
    call.services.callers.forget()
    return response


@router.post(
    "/admin/v1/merchants/{merchant_id}/credentials",
    **openapi.operation(
        "Issue credentials for a dialect; the secret is shown once",
        body=schemas.IssueCredential,
        answers={201: ("Created", schemas.IssuedCredential), **FAILURES},
    ),
)
async def issue(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.IssueCredential, await inputs.read_json(request))

    async def work(tx: Tx) -> Response:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        issued = _narrowed(call.office.ports[body.dialect].issue(merchant.id), body.scopes)
        stored = await credentials.issue(
            tx,
            call.services.vault,
            merchant_id=merchant.id,
            dialect=body.dialect,
            issued=issued,
            now=call.now,
            by=call.author,
        )
        shown: schemas.IssuedCredential = {
            "dialect": body.dialect,
            "headers": dict(issued.headers),
            "extra": dict(issued.extra),
            "credential_ids": [str(each.id) for each in stored],
        }
        return answer(201, shown)

    return await atomic(call.services.database, work)


@router.get(
    "/admin/v1/merchants/{merchant_id}/credentials",
    **openapi.operation("List credentials, newest first", answers={200: ("OK", CredentialList), **FAILURES}),
)
async def list_credentials(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        found = await credentials.of_merchant(tx, merchant.id)
    return answer(200, {"data": [mapping.credential(each) for each in found]})


@router.post(
    "/admin/v1/merchants/{merchant_id}/credentials/{credential_id}/revoke",
    **openapi.operation(
        "Revoke a credential, at once or when a rotation's overlap is over",
        body=schemas.RevokeCredential,
        answers={204: ("Revoked", None), **FAILURES},
    ),
)
async def revoke(merchant_id: str, credential_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.RevokeCredential, await inputs.read_json(request))
    at = call.now + timedelta(seconds=body.overlap_seconds)

    async def work(tx: Tx) -> None:
        merchant, credential = uuid(merchant_id, "merchant"), uuid(credential_id, "credential")
        await credentials.revoke(tx, merchant, credential, at=at, now=call.now, by=call.author)

    await atomic(call.services.database, work)
    call.services.callers.forget()
    return empty(204)


def _narrowed(issued: Issued, scopes: list[str] | None) -> Issued:
    """Raises Invalid for scopes that the dialect's keys do not have."""
    if scopes is None:
        return issued
    known = {scope for key in issued.keys for scope in key.scopes}
    if not known.issuperset(scopes):
        says = f"must be among {', '.join(sorted(known))}" if known else "are not known in this dialect"
        raise Invalid([{"loc": ("scopes",), "msg": says}])
    keys = tuple(replace(key, scopes=tuple(s for s in key.scopes if s in scopes)) for key in issued.keys)
    return replace(issued, keys=keys)


def settings(sent: schemas.SettingsBody, known: MerchantSettings) -> MerchantSettings:
    """What was sent, over what is there."""
    values = {name: getattr(known, name) for name in asdict(known)}
    for name in sent.model_fields_set:
        value = getattr(sent, name)
        match name:
            case "default_beneficiary":
                values[name] = None if value is None else Beneficiary(**value.model_dump())
            case "hosted_checkout":
                values[name] = HostedCheckout(**value.model_dump())
            case "allowed_ips":
                values[name] = tuple(str(network) for network in value)
            case "redirect_domains":
                values[name] = tuple(value)
            case _:
                values[name] = value
    return MerchantSettings(**values)
