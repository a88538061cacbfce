"""Products: create, read, list, change, remove, and their pictures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.domain import identity
from payglot.domain.catalogue import Picture, Product
from payglot.domain.errors import NotFound, TooManyPictures
from payglot.store import products as stored
from payglot.store.database import Tx

MAX_PICTURES = 10

Shown = str | tuple[str, bytes]
"""A picture's address, or media type and content of one to keep here."""


async def create(tx: Tx, product: Product, pictures: Sequence[Shown] = ()) -> Product:
    """Raises TooManyPictures."""
    await stored.create(tx, product)
    return await _show(tx, product, pictures, replacing=False)


async def get(tx: Tx, merchant_id: UUID, id: UUID) -> Product:
    """Raises NotFound."""
    return await _get(tx, merchant_id, id, lock=False)


async def find_each(tx: Tx, merchant_id: UUID, ids: Sequence[UUID]) -> list[Product]:
    return await stored.find_each(tx, merchant_id, ids) if ids else []


async def for_sale(tx: Tx, merchant_id: UUID, currencies: Sequence[str], *, limit: int) -> list[Product]:
    """Oldest first."""
    return await stored.for_sale(tx, merchant_id, currencies, limit=limit)


async def newest(tx: Tx, merchant_id: UUID, *, skip: int, take: int) -> tuple[list[Product], int]:
    """A page, newest first, and how many there are."""
    found = await stored.newest(tx, merchant_id, skip=skip, take=take)
    return found, await stored.count(tx, merchant_id)


async def change(
    tx: Tx, merchant_id: UUID, id: UUID, *, pictures: Sequence[Shown] | None, now: datetime, **fields: Any
) -> Product:
    """Change what is given; pictures replace all others. Raises NotFound or TooManyPictures."""
    product = await _get(tx, merchant_id, id, lock=True)
    details = product.details | fields.pop("details", {})
    changed = replace(product, details=details, **fields, updated_at=now)
    await stored.change(tx, changed)
    return changed if pictures is None else await _show(tx, changed, pictures, replacing=True)


async def add_pictures(tx: Tx, merchant_id: UUID, id: UUID, pictures: Sequence[Shown], now: datetime) -> Product:
    """Raises NotFound or TooManyPictures."""
    product = replace(await _get(tx, merchant_id, id, lock=True), updated_at=now)
    await stored.change(tx, product)
    return await _show(tx, product, pictures, replacing=False)


async def remove(tx: Tx, merchant_id: UUID, id: UUID) -> Product:
    """Returns what it was; links keep their copies of it. Raises NotFound."""
    product = await _get(tx, merchant_id, id, lock=True)
    await stored.remove(tx, id)
    return product


async def picture(tx: Tx, product_id: UUID, id: UUID) -> tuple[str, bytes]:
    """Media type and content, whoever's it is: pictures are for everybody to see. Raises NotFound."""
    found = await stored.picture(tx, product_id, id)
    if found is None:
        raise NotFound(thing="picture")
    return found


async def _show(tx: Tx, product: Product, shown: Sequence[Shown], *, replacing: bool) -> Product:
    kept = () if replacing else product.pictures
    if len(kept) + len(shown) > MAX_PICTURES:
        raise TooManyPictures(limit=MAX_PICTURES)
    added = [_picture(each) for each in shown]
    await stored.add_pictures(tx, product, added, replacing=replacing)
    return replace(product, pictures=(*kept, *(picture for picture, _ in added)))


def _picture(shown: Shown) -> tuple[Picture, bytes | None]:
    if isinstance(shown, str):
        return Picture(id=identity.new_id(), url=shown), None
    media_type, content = shown
    return Picture(id=identity.new_id(), media_type=media_type), content


async def _get(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool) -> Product:
    product = await stored.find(tx, merchant_id, id, lock=lock)
    if product is None:
        raise NotFound(thing="product")
    return product
