"""What links refer to, looked up: for what they may name, and for what they show and sell by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from payglot.dialects.devdraft import catalogue as catalogues, inferred
from payglot.dialects.devdraft.catalogue import Basket, Catalogue, Line, Wanted
from payglot.dialects.devdraft.schemas import CreatePaymentLink
from payglot.domain.catalogue import Product, Tax
from payglot.domain.link import Link
from payglot.operations import customers, products, taxes
from payglot.web.atomic import Tx

DELETED = "DELETED"
"""A customer's status in which it can be referred to no more."""


def wanted_by(body: CreatePaymentLink) -> Wanted:
    return Wanted(
        product_ids=tuple(line.productId for line in body.paymentLinkProducts),
        tax_id=body.taxId,
        customer_id=body.customerId,
        whole_in=body.currency if body.isForAllProduct else None,
    )


async def look_up(tx: Tx, merchant_id: UUID, wanted: Wanted, base_url: str) -> Catalogue:
    """What of it there is and may be linked: products for sale, taxes that are active, customers not deleted."""
    if wanted == Wanted():
        return catalogues.EMPTY
    found = await products.find_each(tx, merchant_id, [UUID(id) for id in set(wanted.product_ids)])
    if wanted.whole_in is not None:
        found += await _for_sale(tx, merchant_id, wanted.whole_in)
    tax = await taxes.find_each(tx, merchant_id, [] if wanted.tax_id is None else [UUID(wanted.tax_id)])
    customer = None
    if wanted.customer_id is not None:
        customer = await customers.find(tx, merchant_id, UUID(wanted.customer_id))
    return Catalogue(
        products={str(each.id): linked_product(each, base_url) for each in found if each.for_sale},
        taxes={str(each.id): linked_tax(each) for each in tax if each.active},
        customers=() if customer is None or customer.status == DELETED else (str(customer.id),),
    )


async def shown(tx: Tx, merchant_id: UUID, links: Sequence[Link], base_url: str) -> list[Link]:
    """A merchant's links with what they refer to as it is by now; a tax that was deleted is left out. What a
    subscription's payer agreed to stays as it was."""
    known = await _known(tx, merchant_id, links)
    return [
        link if link.renewal is not None else _with_basket(link, known.renewed(catalogues.of_link(link), base_url))
        for link in links
    ]


async def for_sale(tx: Tx, link: Link, base_url: str) -> Link:
    """The link as its page offers it. Where a product that is part of the price is not sold any more, nothing is; a
    tax that is not active is not charged. What a subscription's payer agreed to stays as it was."""
    if link.renewal is not None:
        return link
    known = await _known(tx, link.merchant_id, [link])
    basket = known.renewed(catalogues.of_link(link), base_url)
    if basket.tax is not None and not known.taxes[basket.tax.id].active:
        basket = catalogues.with_tax(basket, None)
    if link.amount is None:
        priced_in = inferred.PRICED_IN[link.currency.lower()]
        named = [line for line in basket.lines if line.quantity]
        sold = [known.products.get(line.product.id) for line in named]
        if any(each is None or not each.for_sale or each.currency not in priced_in for each in sold):
            return _with_basket(link, replace(basket, lines=()))
        if link.extras["for_all_products"]:
            ids = {line.product.id for line in named}
            whole = await _for_sale(tx, link.merchant_id, link.currency.lower())
            rest = [linked_product(each, base_url) for each in whole if str(each.id) not in ids]
            lines = (*named, *(Line(product=each, quantity=0) for each in rest))
            basket = replace(basket, lines=lines[: inferred.MAX_PRODUCTS])
    return _with_basket(link, basket)


def linked_product(product: Product, base_url: str) -> catalogues.Product:
    return catalogues.Product(
        id=str(product.id),
        name=product.name,
        description=product.description,
        price=product.price.normalize(),
        currency=product.currency,
        images=tuple(picture_urls(product, base_url)),
    )


def linked_tax(tax: Tax) -> catalogues.Tax:
    return catalogues.Tax(
        id=str(tax.id), name=tax.name, percentage=tax.percentage.normalize(), description=tax.description
    )


def picture_urls(product: Product, base_url: str) -> list[str]:
    here = f"{base_url}/api/v0/products/{product.id}/images"
    return [f"{here}/{picture.id}" if picture.url is None else picture.url for picture in product.pictures]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    products: Mapping[str, Product]
    taxes: Mapping[str, Tax]

    def renewed(self, basket: Basket, base_url: str) -> Basket:
        lines = tuple(
            replace(line, product=linked_product(self.products[line.product.id], base_url))
            if line.product.id in self.products
            else line
            for line in basket.lines
        )
        tax = None if basket.tax is None else self.taxes.get(basket.tax.id)
        return Basket(lines=lines, tax=None if tax is None else linked_tax(tax))


async def _known(tx: Tx, merchant_id: UUID, links: Sequence[Link]) -> _Known:
    """Two statements, however many links refer to however much; none if they refer to nothing."""
    baskets = [catalogues.of_link(link) for link in links]
    product_ids = {line.product.id for basket in baskets for line in basket.lines if line.quantity}
    tax_ids = {basket.tax.id for basket in baskets if basket.tax is not None}
    found = await products.find_each(tx, merchant_id, [UUID(id) for id in product_ids])
    return _Known(
        products={str(each.id): each for each in found},
        taxes={str(each.id): each for each in await taxes.find_each(tx, merchant_id, [UUID(id) for id in tax_ids])},
    )


async def _for_sale(tx: Tx, merchant_id: UUID, currency: str) -> list[Product]:
    codes = sorted(inferred.PRICED_IN[currency])
    return await products.for_sale(tx, merchant_id, codes, limit=inferred.MAX_PRODUCTS)


def _with_basket(link: Link, basket: Basket) -> Link:
    kept = catalogues.kept(basket)
    return link if kept == link.extras.get("basket") else replace(link, extras={**link.extras, "basket": kept})
