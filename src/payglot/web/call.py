"""One request, once its caller is known: what every route works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from payglot.domain.audit import Author, AuthorKind
from payglot.domain.merchant import Merchant
from payglot.web.callers import Caller
from payglot.web.refusals import AddressNotAllowed, NotPermitted
from payglot.web.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """`now` is read once per request; everything the request does happens at that instant."""

    request: Request
    services: Services
    caller: Caller
    now: datetime

    @property
    def merchant(self) -> Merchant:
        return self.caller.merchant

    @property
    def author(self) -> Author:
        """Who the audit log names for what this request changes."""
        kind = AuthorKind.OAUTH_CLIENT if self.caller.kind == "oauth_client" else AuthorKind.CREDENTIAL
        return author(self.request, kind, id=self.caller.credential_id, dialect=self.caller.dialect)

    def need(self, scope: str) -> None:
        """Raises NotPermitted unless the credential has the scope."""
        if scope not in self.caller.scopes:
            raise NotPermitted(scope)


def author(request: Request, kind: AuthorKind, *, id: UUID | None = None, dialect: str | None = None) -> Author:
    """Who is behind a request, and where it comes from as trusted proxies tell it."""
    return Author(
        kind=kind,
        id=id,
        dialect=dialect,
        address=request.client.host if request.client else None,
        request_id=request.scope.get("request_id"),
    )


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def identify(
    request: Request,
    dialect: str,
    value: str,
    secret: str | None = None,
    *,
    address_matters: Callable[[Merchant], bool] = lambda _: True,
) -> Call | None:
    """The call of the client with this key; None when the key is not valid. Raises AddressNotAllowed when the
    merchant lists networks and the caller's is none of them (unless `address_matters` says otherwise), and
    TooManyRequests."""
    services = services_of(request)
    now = services.clock.now()
    source = request.client.host if request.client else None
    caller = await services.callers.identify(dialect, value, now, secret=secret)
    if caller is None:
        await services.limiter.fail(dialect, source or "")
        return None
    if address_matters(caller.merchant) and not caller.may_come_from(source):
        raise AddressNotAllowed
    request.scope["merchant_id"] = caller.merchant.id
    standing, refusal = await services.limiter.take(dialect, caller.credential_id.hex)
    # For dialects that tell their callers in every answer.
    request.scope["rate_limit"] = standing
    if refusal:
        raise refusal
    return Call(request=request, services=services, caller=caller, now=now)
