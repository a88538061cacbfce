"""What a payer does on a DevDraft link: see what it is for, choose quantity or amount, leave what is asked for, pay."""

from dataclasses import replace
from datetime import datetime

from payglot.dialects.devdraft import catalogue, form, inferred, recurring, stock
from payglot.dialects.devdraft.catalogue import Basket, Bill
from payglot.dialects.devdraft.markdown import to_html
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.money import Money
from payglot.domain.payment import Opening, Payment, PaymentStatus
from payglot.rails.base import Rail
from payglot.web.atomic import Tx
from payglot.web.flow import Choice, Instructions, Line, Moment, Offer, Outcome, Way

_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.ABORT})


class DevdraftFlow:
    """Implements `web.flow.Flow`. No return address is documented: the payer stays on the page."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        kept = link.extras
        basket = catalogue.of_link(link)
        starting = _starting_price(link, basket)
        bill = None if starting is None else _bill(link, basket, starting)
        return Offer(
            payee=merchant.name,
            title=link.title,
            # Of products that are yet to be picked, no total is known.
            amount=None if bill is None or bill.total.minor == 0 else _shown(bill.total),
            currency=link.currency,
            every=recurring.words(link),
            fields=tuple(form.fields(link)),
            lines=() if bill is None else _lines(link, basket, bill),
            submit="Donate" if kept["link_type"] == "DONATION" else "Pay",
            description_html=to_html(kept["description"]) if kept["description"] else None,
            image_url=kept["cover_image"],
            notices=recurring.notices(link),
            can_abort=True,
            unpayable=None if _has_price(link) else "Nothing is for sale on this link yet.",
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        link = dossier.link
        if not _has_price(link):
            raise LinkNotPayable(status=link.status)
        basket = catalogue.of_link(link)
        method = form.method(link, choice)
        quantities = form.quantities(link, choice)
        bill = _chosen_bill(link, basket, quantities, choice)
        return Opening(
            method=method,
            amount=bill.total,
            due=bill.total,
            expires_at=link.expires_at,
            quantity=sum(quantities) or 1,
            plan=recurring.plan(link, bill.subtotal),
            payer=form.payer(link, choice),
            extras=_bought(link, basket, quantities, bill),
        )

    async def stocked(self, tx: Tx, dossier: Dossier) -> Dossier:
        """Implements `web.stock.Stocked`. Pages show no pictures of products, so their addresses do not matter."""
        return replace(dossier, link=await stock.for_sale(tx, dossier.link, ""))

    def way(self, payment: Payment) -> Way:
        return Way.CARD

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions:
        return Instructions(
            way=Way.CARD,
            heading=f"Pay by {form.METHODS[payment.method].lower()}",
            facts=(
                ("Amount", f"{_shown(payment.amount)} {payment.amount.currency}", False),
                ("To", merchant.name, False),
            ),
            deadline=payment.expires_at,
            can_change=payment.status is PaymentStatus.CREATED,
        )

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        return _OUTCOMES

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        if method is not None and method not in form.methods(link):
            raise OutcomeImpossible(reason=f"method must be one of: {', '.join(form.methods(link))}")
        return Choice(
            values=form.samples(link, quantity) | {"method": method or "wallet", "amount": amount or "10"},
        )

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        return None

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        return None


def _has_price(link: Link) -> bool:
    return link.amount is not None or link.extras["link_type"] != "PRODUCT" or bool(catalogue.of_link(link).lines)


def _starting_price(link: Link, basket: Basket) -> Money | None:
    """None where the payer names the amount, or nothing is for sale."""
    if link.amount is not None:
        return link.amount
    if link.extras["link_type"] != "PRODUCT" or not basket.lines:
        return None
    return catalogue.price(basket.lines, [line.quantity for line in basket.lines], link.currency)


def _chosen_bill(link: Link, basket: Basket, quantities: list[int], choice: Choice) -> Bill:
    """Raises ChoiceInvalid, for nothing picked and for more than can be counted too."""
    if link.amount is not None:
        subtotal, field = link.amount.times(quantities[0]), "quantity"
    elif link.extras["link_type"] != "PRODUCT":
        subtotal, field = _named_amount(link, choice), "amount"
    else:
        subtotal, field = catalogue.price(basket.lines, quantities, link.currency), form.first_quantity(link)
        if subtotal.minor == 0:
            raise ChoiceInvalid(field=field, reason="This is needed.")
    try:
        return _bill(link, basket, subtotal)
    except AmountInvalid:
        raise ChoiceInvalid(field=field, reason="This is not valid.") from None


def _bill(link: Link, basket: Basket, subtotal: Money) -> Bill:
    return catalogue.bill(subtotal, basket.tax if link.extras["collect_tax"] else None)


def _lines(link: Link, basket: Basket, bill: Bill) -> tuple[Line, ...]:
    lines = []
    if link.amount is not None:
        lines.append(Line(label=link.title or "", amount=_shown(link.amount)))
    else:
        for line in basket.lines:
            price = catalogue.price([line], [line.quantity or 1], link.currency)
            detail = f"{line.quantity} ×" if line.quantity > 1 else None  # noqa: RUF001 (a multiplication sign is meant)
            lines.append(Line(label=line.product.name, detail=detail, amount=_shown(price)))
    if link.extras["collect_tax"] and basket.tax is not None:
        detail = f"{basket.tax.percentage.normalize():f} %"
        lines.append(Line(label=basket.tax.name, detail=detail, amount=_shown(bill.tax)))
    return tuple(lines)


def _bought(link: Link, basket: Basket, quantities: list[int], bill: Bill) -> dict[str, object]:
    """What the total is made of, where it is more than the link's own amount."""
    if not basket.lines and basket.tax is None:
        return {}
    bought = [] if link.amount is not None else zip(basket.lines, quantities, strict=True)
    return {
        "lines": [{"product_id": line.product.id, "quantity": quantity} for line, quantity in bought if quantity],
        "subtotal": str(bill.subtotal),
        "tax": str(bill.tax),
    }


def _named_amount(link: Link, choice: Choice) -> Money:
    try:
        amount = money.parse(choice.values.get("amount", "").strip(), link.currency)
    except (AmountInvalid, AmountTooPrecise):
        raise ChoiceInvalid(field="amount", reason="Enter an amount such as 12.50.") from None
    if amount < money.parse(form.MINIMUM, link.currency):
        raise ChoiceInvalid(field="amount", reason=f"Enter at least {form.MINIMUM}.")
    if amount.decimal > inferred.OPEN_AMOUNT_MAXIMUM:
        raise ChoiceInvalid(field="amount", reason=f"Enter at most {inferred.OPEN_AMOUNT_MAXIMUM}.")
    return amount


def _shown(amount: Money) -> str:
    """At least two decimals, more only where there are some: 29.99, 0.000001."""
    whole, _, fraction = str(amount).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
