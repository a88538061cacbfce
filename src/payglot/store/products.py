"""Products and their pictures in the database."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update

from payglot.domain.catalogue import Picture, Product
from payglot.store.catalogue import pictures, products
from payglot.store.database import Tx


async def create(tx: Tx, product: Product) -> None:
    await tx.execute(insert(products).values(**_values(product)))


async def change(tx: Tx, product: Product) -> None:
    await tx.execute(update(products).where(products.c.id == product.id).values(**_values(product)))


async def remove(tx: Tx, id: UUID) -> None:
    """With its pictures."""
    await tx.execute(delete(products).where(products.c.id == id))


async def find(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool = False) -> Product | None:
    statement = select(products).where(products.c.id == id, products.c.merchant_id == merchant_id)
    found = await _read(tx, statement.with_for_update() if lock else statement)
    return found[0] if found else None


async def find_each(tx: Tx, merchant_id: UUID, ids: Sequence[UUID]) -> list[Product]:
    """Those of the ids that are this merchant's products, in no order."""
    return await _read(tx, select(products).where(products.c.id.in_(ids), products.c.merchant_id == merchant_id))


async def for_sale(tx: Tx, merchant_id: UUID, currencies: Sequence[str], *, limit: int) -> list[Product]:
    """The oldest first, so that a product more moves none of the others."""
    statement = (
        select(products)
        .where(products.c.merchant_id == merchant_id, products.c.for_sale, products.c.currency.in_(currencies))
        .order_by(products.c.created_at, products.c.id)
        .limit(limit)
    )
    return await _read(tx, statement)


async def newest(tx: Tx, merchant_id: UUID, *, skip: int, take: int) -> list[Product]:
    statement = (
        select(products)
        .where(products.c.merchant_id == merchant_id)
        .order_by(products.c.created_at.desc(), products.c.id.desc())
        .offset(skip)
        .limit(take)
    )
    return await _read(tx, statement)


async def count(tx: Tx, merchant_id: UUID) -> int:
    statement = select(func.count()).select_from(products).where(products.c.merchant_id == merchant_id)
    return int((await tx.execute(statement)).scalar_one())


async def add_pictures(
    tx: Tx, product: Product, added: Sequence[tuple[Picture, bytes | None]], *, replacing: bool
) -> None:
    """Each with its content if it is kept here, after those that the product has, or in their place."""
    if replacing:
        await tx.execute(delete(pictures).where(pictures.c.product_id == product.id))
    first = 0 if replacing else len(product.pictures)
    rows = [
        {
            "id": picture.id,
            "merchant_id": product.merchant_id,
            "product_id": product.id,
            "position": position,
            "url": picture.url,
            "media_type": picture.media_type,
            "content": content,
        }
        for position, (picture, content) in enumerate(added, first)
    ]
    if rows:
        await tx.execute(insert(pictures), rows)


async def picture(tx: Tx, product_id: UUID, id: UUID) -> tuple[str, bytes] | None:
    """Media type and content of a picture that is kept here."""
    statement = select(pictures.c.media_type, pictures.c.content).where(
        pictures.c.id == id, pictures.c.product_id == product_id, pictures.c.content.is_not(None)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else (row.media_type, bytes(row.content))


async def _read(tx: Tx, statement: Select[Any]) -> list[Product]:
    rows = list((await tx.execute(statement)).mappings())
    if not rows:
        return []
    shown = (
        select(pictures.c.product_id, pictures.c.id, pictures.c.url, pictures.c.media_type)
        .where(pictures.c.product_id.in_([row["id"] for row in rows]))
        .order_by(pictures.c.product_id, pictures.c.position)
    )
    listed = (await tx.execute(shown)).all()
    by_product = {
        id: tuple(Picture(id=row.id, url=row.url, media_type=row.media_type) for row in group)
        for id, group in groupby(listed, key=lambda row: row.product_id)
    }
    return [_product(row, by_product.get(row["id"], ())) for row in rows]


def _values(product: Product) -> dict[str, Any]:
    return {column.name: getattr(product, column.name) for column in products.c}


def _product(row: Mapping[Any, Any], shown: tuple[Picture, ...]) -> Product:
    return Product(**{column.name: row[column.name] for column in products.c}, pictures=shown)
