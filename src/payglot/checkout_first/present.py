"""From link and payment to what the templates show. Pure functions of what they are given."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import segno
from babel.dates import format_datetime
from babel.numbers import format_currency

from payglot.checkout_first.views import Attempt, Button, Ending, Fact, FilledField, Form, Frame, Summary
from payglot.checkout_first.words import Say, locale_of
from payglot.domain.dossier import Dossier
from payglot.domain.link import LinkStatus
from payglot.domain.merchant import Merchant, Mode
from payglot.domain.money import Currency
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.web import instants
from payglot.web.flow import Choice, Instructions, Offer, Outcome, Way

_BUTTONS = (
    (Outcome.PAID, "Pay"),
    (Outcome.PROCESSING, "Pay, confirmed later"),
    (Outcome.UNDERPAID, "Send too little"),
    (Outcome.OVERPAID, "Send too much"),
    (Outcome.FAILED, "Let it fail"),
)
_ONLY_MANUAL = frozenset({Outcome.UNDERPAID, Outcome.OVERPAID})
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def frame(merchant: Merchant, language: str, say: Say) -> Frame:
    return Frame(
        language=language,
        title=say("Pay {payee}").format(payee=plain(merchant.name)),
        payee=plain(merchant.name),
        is_test=merchant.mode is Mode.TEST,
    )


def summary(offer: Offer, dossier: Dossier, language: str, say: Say) -> Summary:
    expires_at = dossier.link.expires_at if offer.shows_expiry else None
    until = None
    if expires_at is not None:
        until = say("Payable until {date}").format(date=date(expires_at, language))
    return Summary(
        title=plain(offer.title) if offer.title else None,
        amount=None if offer.amount is None else money(offer.amount, offer.currency, language),
        lines=offer.lines,
        until=until,
        description_html=offer.description_html,
        image_url=offer.image_url if (offer.image_url or "").startswith("https://") else None,
        notices=offer.notices,
    )


def fields(offer: Offer, choice: Choice, problem: tuple[str, str] | None) -> tuple[FilledField, ...]:
    """`problem` is (field name, what is wrong)."""
    return tuple(
        FilledField(
            field=field,
            value=choice.values.get(field.name, field.value)[:500],
            problem=problem[1] if problem is not None and problem[0] == field.name else None,
        )
        for field in offer.fields
    )


def attempt(
    instructions: Instructions, payment: Payment, outcomes: frozenset[Outcome], form: Form, status_path: str, say: Say
) -> Attempt:
    """An attempt that waits for the payer or for money."""
    partly = payment.settlement is Settlement.UNDERPAID
    progress = "A part has arrived; the rest is still missing." if partly else "Waiting for your payment"
    way = instructions.way
    return Attempt(
        heading=say(instructions.heading),
        facts=tuple(
            Fact(label=say(label), value=plain(value), copyable=copyable)
            for label, value, copyable in instructions.facts
            if value
        ),
        qr_svg=qr(instructions.qr) if instructions.qr else None,
        deadline=instants.seconds(instructions.deadline) if instructions.deadline else None,
        progress=say(progress) if way is Way.CRYPTO else None,
        status_path=status_path,
        is_bank=way is Way.BANK,
        is_manual=way is Way.MANUAL_TRANSFER,
        can_change=instructions.can_change and payment.status in (PaymentStatus.CREATED, PaymentStatus.AUTHORIZING),
        can_abort=Outcome.ABORT in outcomes,
        buttons=tuple(
            Button(value=outcome, label=label, main=outcome is Outcome.PAID)
            for outcome, label in _BUTTONS
            if outcome in outcomes and not (outcome in _ONLY_MANUAL and way is Way.BANK)
        ),
        form=form,
    )


def ending_of_attempt(
    dossier: Dossier,
    payment: Payment,
    payee: str,
    onward: str | None,
    status_path: str,
    language: str,
    say: Say,
) -> Ending:
    """The truth about an attempt that needs nothing more from the payer."""
    amount = money(str(payment.amount), payment.amount.currency, language)
    facts = (Fact(label=say("Amount"), value=amount, copyable=False),)
    if onward is not None:
        onward_label: str | None = say("Back to {payee}").format(payee=payee)
    else:
        onward_label = None
    match payment.status:
        case PaymentStatus.PAID:
            sentence = say("Thank you. {payee} has been told.").format(payee=payee)
            return Ending(
                kind="good",
                heading=say("Payment received"),
                sentence=sentence,
                facts=facts,
                onward_url=onward,
                onward_label=onward_label,
            )
        case PaymentStatus.PROCESSING:
            told = "You have confirmed it. The money has not arrived yet; this page shows when it has."
            return Ending(
                kind="waiting",
                heading=say("Payment on its way"),
                sentence=say(told),
                facts=facts,
                onward_url=onward,
                onward_label=onward_label,
                status_path=status_path,
            )
        case PaymentStatus.CANCELED:
            heading = "Payment canceled"
        case PaymentStatus.EXPIRED:
            heading = "The time to pay has run out"
        case _:
            heading = "The payment did not go through"
    again = dossier.link.status is LinkStatus.OPEN and dossier.link.has_room
    told = "Nothing was taken. You can try again." if again else "Nothing more can be paid here. Ask {payee} for help."
    return Ending(
        kind="bad",
        heading=say(heading),
        sentence=say(told).format(payee=payee),
        onward_url=onward,
        onward_label=onward_label,
    )


def with_onward(ending: Ending, url: str, label: str) -> Ending:
    return replace(ending, onward_url=url, onward_label=label)


def ending_of_link(dossier: Dossier, payee: str, say: Say) -> Ending:
    """A link that takes no payment now."""
    ask = say("Please ask {payee} for a new one.").format(payee=payee)
    match dossier.link.status:
        case LinkStatus.PAID:
            return Ending(
                kind="good", heading=say("This link has been paid"), sentence=say("There is nothing left to pay here.")
            )
        case LinkStatus.EXPIRED:
            return Ending(kind="over", heading=say("This link has expired"), sentence=ask)
        case LinkStatus.CANCELED:
            return Ending(kind="over", heading=say("This link was canceled"), sentence=ask)
        case _:
            told = say("There is nothing left to pay here.")
            return Ending(kind="waiting", heading=say("A payment is on its way"), sentence=told)


def money(text: str, currency: str, language: str) -> str:
    """An amount as the payer's country writes it. Crypto amounts keep every digit that counts, and a point."""
    try:
        unit, amount = Currency(currency), Decimal(text)
    except (ValueError, InvalidOperation):
        return f"{text} {currency}"
    if unit.is_crypto:
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction.rstrip('0').ljust(2, '0')} {currency}"
    return format_currency(amount, currency, locale=locale_of(language))


def date(at: datetime, language: str) -> str:
    return f"{format_datetime(at.astimezone(UTC), 'd MMM y, HH:mm', tzinfo=UTC, locale=locale_of(language))} UTC"


def qr(content: str) -> str:
    """Inline SVG, dark on light in every colour scheme, for scanners need the contrast."""
    code = segno.make(content, error="m", micro=False)
    return str(code.svg_inline(scale=4, border=3, dark="#000", light="#fff", omitsize=True))


def plain(text: str) -> str:
    """Merchant text on one line, without what would turn the page's direction around."""
    return _CONTROL.sub(" ", text)
