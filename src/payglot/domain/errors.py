"""What can go wrong in the domain. Errors carry fields, never status codes or wire names; docstrings are messages."""

from typing import Any


class DomainError(Exception):
    """Something the domain refuses."""

    def __init__(self, **fields: Any) -> None:
        super().__init__((type(self).__doc__ or "").strip())
        self.__dict__.update(fields)


class AmountInvalid(DomainError):
    """The amount is not a plain decimal in range."""


class AmountTooPrecise(DomainError):
    """The amount has more decimals than its currency."""

    decimals: int


class CurrencyUnknown(DomainError):
    """The currency is not known."""


class CurrencyMismatch(DomainError):
    """Two amounts of different currencies were combined."""


class NotFound(DomainError):
    """There is no such thing for this merchant in this dialect."""

    thing: str


class IllegalTransition(DomainError):
    """The state does not allow this step."""

    before: str
    after: str


class NotRendered(DomainError):
    """The event cannot be put into its dialect's words; the log says why."""


class LinkNotPayable(DomainError):
    """The link takes no payment now."""

    status: str


class ChoiceInvalid(DomainError):
    """The payer's choice is not one that this link offers."""

    field: str
    reason: str


class OutcomeImpossible(DomainError):
    """That outcome makes no sense for this link."""

    reason: str


class ReferenceTaken(DomainError):
    """Another link of this merchant has this reference."""

    reference: str


class SlugTaken(DomainError):
    """Another link of this merchant has this address."""

    slug: str


class EmailTaken(DomainError):
    """Another customer of this merchant has this e-mail address."""


class TooManyPictures(DomainError):
    """A product has only so many pictures."""

    limit: int


class TransferKnown(DomainError):
    """This receipt of money is recorded already."""

    reference: str


class RedirectForbidden(DomainError):
    """The address is not on a domain that the merchant allows."""


class KeyReused(DomainError):
    """The idempotency key was used for another request."""


class ChangedMeanwhile(DomainError):
    """Another request changed this first; the whole verb may be tried again."""


class Unavailable(DomainError):
    """A service that is needed for this does not answer."""
