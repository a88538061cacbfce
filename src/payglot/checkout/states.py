"""Every page after the first: where an attempt or an ended link stands, in words, and what can be done about it."""

import io

import segno
from markupsafe import Markup

from payglot.checkout import forms, offers, sandbox, standing
from payglot.checkout.desk import Visit, origin_of
from payglot.checkout.standing import Standing
from payglot.checkout.views import Back, Button, Fact, FormTo, Live, State, Tone
from payglot.checkout.wording import foreign
from payglot.domain.link import Direction, LinkStatus
from payglot.domain.money import Money
from payglot.domain.payment import Payment
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import TransferStatus
from payglot.web.flow import Instructions, Way

CHANGE, ABORT, TRANSFERRED = "change", "abort", "manual_transfer"
"""What a payer can do to an attempt, beside the sandbox's outcomes."""

_TONES: dict[Standing, Tone] = {
    Standing.TO_PAY: "act",
    Standing.TOP_UP: "act",
    Standing.PROCESSING: "wait",
    Standing.PAID: "good",
    Standing.FAILED: "bad",
    Standing.CANCELED: "over",
    Standing.EXPIRED: "over",
    Standing.REVERSED: "bad",
}
_HEADINGS = {
    Standing.PROCESSING: "Payment is being processed",
    Standing.PAID: "Payment received",
    Standing.FAILED: "The payment did not go through",
    Standing.CANCELED: "Payment canceled",
    Standing.EXPIRED: "Time is up",
    Standing.REVERSED: "Payment was returned",
}
_QR_LONGEST = 500


def attempt(visit: Visit, payment: Payment) -> State:
    now_at = standing.of(payment, visit.now)
    offer = visit.offer
    told = visit.flow.instructions(visit.merchant, visit.dossier, payment)
    acting = now_at in (Standing.TO_PAY, Standing.TOP_UP)
    shows_facts = acting or (now_at is Standing.PROCESSING and told.way is Way.MANUAL_TRANSFER)
    heading = told.heading if acting else _heading(now_at, told.way)
    buttons = sandbox.buttons(visit, payment, now_at, told.way) if visit.has_sandbox else ()
    return State(
        shell=offers.shell(visit, f"{visit.wording.plain(heading)} · {foreign(offer.payee)}"),
        summary=offers.summary(visit, offer, payment.amount),
        tone=_TONES[now_at],
        heading=heading,
        sentences=tuple(_sentences(visit, payment, now_at, told.way)),
        facts=_facts(visit, told) if shows_facts else _progress(visit, payment, now_at, told.way),
        qr=_qr(visit, told.qr) if acting and told.qr else None,
        deadline=offers.until(visit, told.deadline) if acting and told.deadline else None,
        form=FormTo(path=visit.attempt(payment), once=_once(visit, payment)),
        buttons=_main(now_at, told.way),
        sandbox=buttons,
        sandbox_bank=told.way is Way.BANK and now_at is Standing.TO_PAY,
        leaving=_leaving(now_at, told, can_abort=offer.can_abort),
        back=_back(visit.way_out(payment)),
        refund=_refund(payment),
        again=visit.home if _may_try_again(visit, now_at) and offer.unpayable is None else None,
        live=_live(visit, payment, now_at),
    )


def ended(visit: Visit) -> State:
    """A link that takes no payment now."""
    link = visit.dossier.link
    offer = visit.offer
    tone, heading, sentence = _ending(visit)
    return State(
        shell=offers.shell(visit, f"{visit.wording.plain(heading)} · {foreign(offer.payee)}"),
        summary=offers.summary(visit, offer),
        tone=tone,
        heading=heading,
        sentences=(visit.wording.say(sentence, offer.payee),),
        live=None if link.slug is not None else Live(path=offers.live_path(visit), can_ask=False),
    )


def seen(visit: Visit, payment: Payment) -> str:
    """What the page of an attempt depends on."""
    return f"{standing.mark(visit.dossier, payment)}-{standing.of(payment, visit.now)}-{offers.seen(visit)}"


def _once(visit: Visit, payment: Payment) -> forms.Once:
    return forms.once_for(visit.desk.services.vault, payment.id, standing.mark(visit.dossier, payment))


def _heading(now_at: Standing, way: Way) -> str:
    if now_at is Standing.PROCESSING and way is Way.MANUAL_TRANSFER:
        return "Waiting for your transfer"
    return _HEADINGS[now_at]


def _sentences(visit: Visit, payment: Payment, now_at: Standing, way: Way) -> list[Markup]:
    say, payee = visit.wording.say, visit.offer.payee
    received, due, missing = (_money(visit, m) for m in (payment.received, payment.due, payment.missing))
    got_some = payment.received.minor > 0
    late = payment.settlement is Settlement.LATE
    match now_at:
        case Standing.TO_PAY:
            return []
        case Standing.TOP_UP:
            return [say("{} of {} arrived. {} are missing.", received, due, missing)]
        case Standing.PROCESSING if way is Way.MANUAL_TRANSFER:
            return [say("Thank you. {} is told as soon as the money arrives.", payee)]
        case Standing.PROCESSING if way is Way.CRYPTO:
            return [say("Your transfer was seen. It is complete once the network has confirmed it.")]
        case Standing.PROCESSING:
            return [say("You have confirmed it. It is complete once the money has arrived.")]
        case Standing.FAILED if payment.standing_refunds:
            return [say("{} does not take what you sent. You can have it back.", payee)]
        case Standing.PAID if payment.standing_refunds:
            more = say("{} arrived, more than the {} asked for. You can have the rest back.", received, due)
            return [say("Thank you. Your payment is complete."), more]
        case _ if late and payment.standing_refunds:
            return [say("Money arrived too late. You can have it back.")]
        case Standing.PAID if payment.settlement is Settlement.OVERPAID:
            more = say("{} arrived, more than the {} asked for. Ask {} about the rest.", received, due, payee)
            return [say("Thank you. Your payment is complete."), more]
        case Standing.PAID if payment.settlement is Settlement.UNDERPAID:
            return [say("{} of {} arrived, and was accepted.", received, due)]
        case Standing.PAID:
            return [say("Thank you. Your payment is complete.")]
        case Standing.REVERSED:
            return [say("The money went back to you.")]
        case _ if late:
            return [say("Money arrived too late. Ask {} about it.", payee)]
        case _ if got_some:
            return [say("{} of {} arrived. Ask {} about it.", received, due, payee)]
        case Standing.EXPIRED if way is Way.CRYPTO:
            return [say("Please send nothing to the address that was shown here.")]
        case _:
            return [say("Nothing was paid.")]


def _ending(visit: Visit) -> tuple[Tone, str, str]:
    link = visit.dossier.link
    failed = bool(visit.dossier.payments) and visit.dossier.payments[-1].has_failed
    match link.status:
        case LinkStatus.PAID if link.max_payments == 1:
            return "good", "This link has been paid", "There is nothing left to do here."
        case LinkStatus.PAID:
            return "over", "No longer available", "This link has been paid as often as it can be."
        case LinkStatus.EXPIRED if link.direction is Direction.OUT:
            return "over", "This link has expired", "It can no longer be claimed. Ask {} for a new one."
        case LinkStatus.EXPIRED:
            return "over", "This link has expired", "It can no longer be paid. Ask {} for a new one."
        case LinkStatus.PROCESSING if not failed:
            return (
                "wait",
                "Payment is being processed",
                "A payment of this link is on its way.",
            )
        case _ if link.direction is Direction.OUT:
            return "over", "This link was closed", "It can no longer be claimed. Ask {} for a new one."
        case _ if failed:
            return "bad", "The payment did not go through", "This link can no longer be paid. Ask {} for a new one."
        case _:
            return "over", "This link was closed", "It can no longer be paid. Ask {} for a new one."


def _facts(visit: Visit, told: Instructions) -> tuple[Fact, ...]:
    return tuple(
        Fact(label=label, value=visit.wording.value(value), copy=_copied(value) if copyable else None)
        for label, value, copyable in told.facts
        if value
    )


def _progress(visit: Visit, payment: Payment, now_at: Standing, way: Way) -> tuple[Fact, ...]:
    if now_at is not Standing.PROCESSING or way is not Way.CRYPTO:
        return ()
    seen = [t for t in visit.dossier.transfers_of(payment) if t.status is TransferStatus.DETECTED]
    facts = []
    for transfer in seen:
        facts.append(Fact(label="Amount", value=_money(visit, transfer.amount), copy=None))
        steps = f"{transfer.confirmations} / {transfer.required_confirmations}"
        facts.append(Fact(label="Confirmations", value=steps, copy=None))
    return tuple(facts)


def _copied(value: str) -> str:
    """An amount is copied without its unit, as wallets and banks take it."""
    number, _, unit = value.partition(" ")
    return number if unit.isalpha() and unit.isupper() and number.replace(".", "", 1).isdigit() else value


def _qr(visit: Visit, content: str) -> Markup | None:
    if not content.isprintable() or len(content) > _QR_LONGEST:
        return None
    drawn = io.BytesIO()
    segno.make(content, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=0, svgclass=None, lineclass=None, nl=False
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 (drawn by us; holds no text)


def _main(now_at: Standing, way: Way) -> tuple[Button, ...]:
    if way is Way.MANUAL_TRANSFER and now_at is Standing.TO_PAY:
        return (Button(action=TRANSFERRED, label="I have made the transfer", main=True),)
    return ()


def _leaving(now_at: Standing, told: Instructions, *, can_abort: bool) -> tuple[Button, ...]:
    if now_at is not Standing.TO_PAY:
        return ()
    change = (Button(action=CHANGE, label="Pay another way"),) if told.can_change else ()
    return (*change, *((Button(action=ABORT, label="Cancel"),) if can_abort else ()))


def _may_try_again(visit: Visit, now_at: Standing) -> bool:
    ended = now_at in (Standing.FAILED, Standing.CANCELED, Standing.EXPIRED)
    return ended and standing.takes_payment(visit.dossier.link)


def _refund(payment: Payment) -> str | None:
    """The page of the newest link that gives money of it back."""
    refunds = payment.standing_refunds
    return f"/pay/{refunds[-1].token}" if refunds else None


def _back(url: str | None) -> Back | None:
    origin = origin_of(url)
    return None if url is None or origin is None else Back(url=url, host=origin.partition("://")[2])


def _live(visit: Visit, payment: Payment, now_at: Standing) -> Live | None:
    if now_at not in standing.WAITING and not (now_at is Standing.EXPIRED and payment.terms.late_seconds):
        return None
    # Where the payer has something to do on the page, there is nothing yet to look for.
    idle = now_at is not Standing.TO_PAY or visit.flow.way(payment) is Way.CRYPTO
    can_ask = idle and now_at in standing.WAITING
    return Live(path=f"{visit.attempt(payment)}/status?seen={seen(visit, payment)}", can_ask=can_ask)


def _money(visit: Visit, amount: Money) -> str:
    return visit.wording.amount(str(amount), amount.currency)
