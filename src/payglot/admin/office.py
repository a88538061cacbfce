"""What the operator's routes work with, and how they start: token checked, clock read once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from payglot.admin import auth
from payglot.domain.audit import Author, AuthorKind
from payglot.domain.errors import NotFound
from payglot.operations.credentials import Issued
from payglot.web.call import author
from payglot.web.services import Services
from payglot.webhooks.format import WebhookFormat

PAGE = 50
MAX_PAGE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """What the operator's API needs of a dialect."""

    issue: Callable[[UUID], Issued]
    endpoint_details: Callable[[UUID], Mapping[str, object]]
    endpoint_choices: Callable[[Mapping[str, object]], Mapping[str, object]]
    webhooks: WebhookFormat
    oauth_scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """`check_url` raises ValueError with a sentence when webhooks may not go to an address."""

    services: Services
    ports: Mapping[str, Port]
    token: str
    check_url: Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """One authenticated request of the operator's."""

    office: Office
    services: Services
    now: datetime
    author: Author


def errand(request: Request) -> Errand:
    """Raises NotAuthenticated, before anything of the request is read."""
    office: Office = request.app.state.office
    auth.check(request, office.token)
    return Errand(
        office=office,
        services=office.services,
        now=office.services.clock.now(),
        author=author(request, AuthorKind.OPERATOR),
    )


def uuid(text: str, thing: str) -> UUID:
    """An id from a path; what is no id names nothing, so it raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(thing=thing) from None
