"""Products, taxes and customers, as links refer to them, and what a payer owes for them. Pure functions.

A link keeps a copy of what it refers to, which its webhooks show. Pages and answers show what it refers to as it is
by now (`stock`); the copy stands in for what is no more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from payglot.dialects.devdraft import inferred
from payglot.dialects.devdraft.errors import BadRequest
from payglot.domain import money
from payglot.domain.errors import AmountInvalid
from payglot.domain.link import Link
from payglot.domain.money import Currency, Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """`price` is in major units of `currency`, a fiat or stablecoin code; ids are UUIDs as lower-case text."""

    id: str
    name: str
    description: str
    price: Decimal
    currency: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tax:
    """`percentage` is from 0 to 100."""

    id: str
    name: str
    percentage: Decimal
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """What one app has, by id; products that are for sale only."""

    products: Mapping[str, Product] = field(default_factory=dict)
    taxes: Mapping[str, Tax] = field(default_factory=dict)
    customers: Collection[str] = ()


EMPTY = Catalogue()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a request refers to, so that no more is looked up. `whole_in` is the currency of a link that is for
    everything that is for sale."""

    product_ids: tuple[str, ...] = ()
    tax_id: str | None = None
    customer_id: str | None = None
    whole_in: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`quantity` is what the payer starts with; 0 for what a link for the whole catalogue merely offers."""

    product: Product
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Basket:
    """`tax` is the one that the link names, whether it is collected or not."""

    lines: tuple[Line, ...] = ()
    tax: Tax | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    subtotal: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.subtotal + self.tax


def fill(
    catalogue: Catalogue,
    wanted: Sequence[tuple[str, int]],
    *,
    whole_catalogue: bool,
    tax_id: str | None,
    customer_id: str | None,
    fixed_price: bool,
    currency: str,
) -> Basket:
    """`wanted` are product ids with quantities; the same product twice makes two lines.

    Raises BadRequest naming the first id that is unknown, or whose price is in another currency while it matters.
    """
    lines = []
    for id, quantity in wanted:
        product = catalogue.products.get(id)
        if product is None:
            raise BadRequest(f"Product not found: {id}")
        if not fixed_price and not _is_priced_in(product, currency):
            raise BadRequest(f"Product is not priced in the currency of the payment link: {id}")
        lines.append(Line(product=product, quantity=quantity))
    if tax_id is not None and tax_id not in catalogue.taxes:
        raise BadRequest(f"Tax not found: {tax_id}")
    if customer_id is not None and customer_id not in catalogue.customers:
        raise BadRequest(f"Customer not found: {customer_id}")
    if whole_catalogue:
        named = {id for id, _ in wanted}
        others = (p for id, p in catalogue.products.items() if id not in named and _is_priced_in(p, currency))
        lines += [Line(product=product, quantity=0) for product in others]
    tax = None if tax_id is None else catalogue.taxes[tax_id]
    return Basket(lines=tuple(lines[: inferred.MAX_PRODUCTS]), tax=tax)


def with_copies(catalogue: Catalogue, basket: Basket) -> Catalogue:
    """The catalogue, and what a link knows of products that it has no more."""
    copies = {line.product.id: line.product for line in basket.lines if line.quantity}
    return replace(catalogue, products={**copies, **catalogue.products})


def with_tax(basket: Basket, tax: Tax | None) -> Basket:
    return replace(basket, tax=tax)


def bill(subtotal: Money, tax: Tax | None) -> Bill:
    """Tax is a share of the subtotal, rounded half up to two decimals. Raises AmountInvalid beyond 64 bits."""
    with localcontext(prec=60):
        share = Decimal(0) if tax is None else subtotal.decimal * tax.percentage / 100
        rounded = share.quantize(inferred.TAX_STEP, rounding=ROUND_HALF_UP)
    owed = Bill(subtotal=subtotal, tax=money.round_half_up(rounded, subtotal.currency))
    if owed.total.minor > money.MAX_MINOR:
        raise AmountInvalid
    return owed


def price(lines: Sequence[Line], quantities: Sequence[int], unit: Currency) -> Money:
    """The sum of prices times quantities."""
    total = money.zero(unit)
    for line, quantity in zip(lines, quantities, strict=True):
        total += money.read(line.product.price, unit).times(quantity)
    return total


def kept(basket: Basket) -> dict[str, Any] | None:
    """The basket as the link keeps it: JSON, decimals as text; None for an empty one."""
    if not basket.lines and basket.tax is None:
        return None
    return {
        "lines": [
            asdict(line.product)
            | {"price": str(line.product.price), "images": list(line.product.images), "quantity": line.quantity}
            for line in basket.lines
        ],
        "tax": basket.tax and asdict(basket.tax) | {"percentage": str(basket.tax.percentage)},
    }


def of_link(link: Link) -> Basket:
    """What `kept` wrote into a link."""
    found = link.extras.get("basket")
    if found is None:
        return Basket()
    return Basket(
        lines=tuple(_line(**line) for line in found["lines"]),
        tax=found["tax"] and Tax(**found["tax"] | {"percentage": Decimal(found["tax"]["percentage"])}),
    )


def _line(*, quantity: int, price: str, images: list[str], **plain: str) -> Line:
    return Line(quantity=quantity, product=Product(price=Decimal(price), images=tuple(images), **plain))


def _is_priced_in(product: Product, currency: str) -> bool:
    return product.currency in inferred.PRICED_IN[currency]
