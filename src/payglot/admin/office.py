"""What the operator's routes work with, and how they start: token checked, clock read once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from starlette.requests import Request

from payglot.admin import auth
from payglot.domain.audit import Author, AuthorKind
from payglot.domain.errors import NotFound
from payglot.domain.event import Event
from payglot.operations.credentials import Issued
from payglot.operations.endpoints import Endpoint
from payglot.web.call import author
from payglot.web.services import Services
from payglot.webhooks.format import Receiver, WebhookFormat

log = structlog.get_logger(__name__)

PAGE = 50
MAX_PAGE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """What the operator's API needs of a dialect. `title` is what it is called; `read_id` reads a link's or payment's
    id in its own spelling, if that is what a text is."""

    title: str
    read_id: Callable[[str], UUID | None]
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

    def render(self, event: Event, endpoint: Endpoint) -> Sequence[tuple[str, str, bytes]]:
        """An event's messages for an endpoint, as (name, path, body)."""
        try:
            made = self.office.ports[endpoint.dialect].webhooks.messages(
                event, receiver_at(endpoint), self.services.public_url
            )
        except Exception:
            log.exception("event could not be rendered", event_id=str(event.id), dialect=endpoint.dialect)
            raise
        return [(message.name, message.path, message.body) for message in made]


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


def receiver_at(endpoint: Endpoint) -> Receiver:
    """An endpoint as its dialect may need it in a body."""
    return Receiver(
        id=endpoint.id, merchant_id=endpoint.merchant_id, created_at=endpoint.created_at, details=endpoint.details
    )


def uuid(text: str, thing: str) -> UUID:
    """An id from a path; what is no id names nothing, so it raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(thing=thing) from None
