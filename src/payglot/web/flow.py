"""What a dialect tells the checkout and the sandbox: what a payer sees, may choose, and where they end up.

A flow is made of pure functions. The checkout renders what they return; it knows no provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from payglot.domain.dossier import Dossier
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Opening, Payment
from payglot.domain.payout import Claim, Payout
from payglot.rails.base import Rail


class Outcome(StrEnum):
    """What the sandbox can make of a payment."""

    PAID = "paid"
    PROCESSING = "processing"
    FAILED = "failed"
    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    MANUAL_TRANSFER = "manual_transfer"
    ABORT = "abort"


class Way(StrEnum):
    """How a started payment goes on, which decides what the page shows and what the sandbox does."""

    CRYPTO = "crypto"
    """Show amount, network, address and QR code; wait for transfers on a chain."""
    BANK = "bank"
    """Send the payer to the bank's confirmation page; they confirm, the bank executes."""
    MANUAL_TRANSFER = "manual_transfer"
    """Show an IBAN and a reference; the payer says when they have sent it, the money comes later."""
    CARD = "card"
    """Card, wallet or a redirect method: the payer confirms and it is decided at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """`hint` is a second line; options with the same `group` stand together."""

    value: str
    label: str
    hint: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One thing the payer fills in. `name` is the form key; `group` is a fieldset heading."""

    name: str
    label: str
    kind: Literal["choice", "select", "text", "email", "tel", "amount", "quantity", "checkbox", "hidden"]
    required: bool = True
    options: tuple[Option, ...] = ()
    value: str = ""
    hint: str | None = None
    suffix: str | None = None
    group: str | None = None
    max_length: int = 200
    autocomplete: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the summary: what is bought, how much of it, for how much (all ready to show, amounts as text)."""

    label: str
    detail: str | None = None
    amount: str | None = None


CHOOSE = "choose"
"""The name of the first page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """The first page. `amount` is None when the payer names it or picks what it depends on; `currency` is a code to
    show beside it; `every` says how often it is paid again, in words: "every month".

    `description_html` must come from a sanitiser. `notices` are plain sentences the payer should read first.
    `unpayable` says why nothing can be paid here, if that is so. `step` is the page's name, for `Flow.redirect`.
    """

    payee: str
    title: str | None
    amount: str | None
    currency: str
    every: str | None = None
    lines: tuple[Line, ...] = ()
    fields: tuple[Field, ...] = ()
    submit: str = "Continue"
    secondary: tuple[str, str] | None = None
    """A second button: (value of `action`, label), e.g. a manual transfer instead of a bank."""
    description_html: str | None = None
    image_url: str | None = None
    notices: tuple[str, ...] = ()
    shows_expiry: bool = True
    can_abort: bool = False
    unpayable: str | None = None
    step: str = CHOOSE


@dataclass(frozen=True, kw_only=True, slots=True)
class Instructions:
    """What to do next for a started payment. Facts are (label, value, copyable) rows; `qr` is the QR code's content."""

    way: Way
    heading: str
    facts: tuple[tuple[str, str, bool], ...] = ()
    qr: str | None = None
    deadline: datetime | None = None
    can_change: bool = False
    """Whether the payer may go back and choose something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the payer sent: form values by field name, `action` is the button. Unknown keys are ignored."""

    values: Mapping[str, str] = field(default_factory=dict)
    action: str = "pay"


class Moment(StrEnum):
    """When a payer's browser may be sent back to the merchant."""

    CONFIRMED = "confirmed"
    MANUAL_TRANSFER = "manual_transfer"
    ABORTED = "aborted"
    PAID = "paid"
    UNSUCCESSFUL = "unsuccessful"


class Flow(Protocol):
    """One dialect's side of the checkout."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        """What the payer sees and may choose on a payable link."""
        ...

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        """The payment that a choice starts; raises ChoiceInvalid (naming the field) or LinkNotPayable."""
        ...

    def way(self, payment: Payment) -> Way: ...

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions: ...

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        """What the sandbox may do to a payment of this link."""
        ...

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        """What a payer without a browser chooses; raises OutcomeImpossible for a method the link does not have."""
        ...

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        """Which ending the payment has reached, if any, by the dialect's own rules."""
        ...

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        """Where the browser goes at that moment, exactly as documented; None: the payer stays. The checkout checks the
        address against the merchant's domains once more. `step` names the page the payer was on: `choose`, `confirm`
        or `transfer`, or an offer's own."""
        ...


@runtime_checkable
class NarrowingFlow(Flow, Protocol):
    """The flow of a dialect with options that start no payment, but open a page of their own with fewer options."""

    def narrows(self, choice: Choice) -> str | None:
        """The part of the offer that a choice opens; None for one that starts a payment."""
        ...

    def narrowed(self, merchant: Merchant, dossier: Dossier, part: str, now: datetime) -> Offer | None:
        """That part, where the link has it; its `step` is not the first page's. Its `change` leads back."""
        ...


@runtime_checkable
class PayoutFlow(Flow, Protocol):
    """The flow of a dialect that has payout links as well; `offer` then shows what a payee may choose."""

    def claim(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Claim:
        """What a choice claims; raises ChoiceInvalid (naming the field) or LinkNotPayable."""
        ...

    def receipt(self, payout: Claim | Payout) -> tuple[tuple[str, str, bool], ...]:
        """What the payee gets and where, before and after: (label, value, copyable) rows."""
        ...

    def default_claim(self, link: Link, method: str | None) -> Choice:
        """What a payee without a browser chooses; raises OutcomeImpossible for a method the link does not have."""
        ...
