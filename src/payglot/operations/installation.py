"""The installation as a whole: whether its database is reachable, current and safe, and what it holds."""

from payglot.store import installation as stored, links as stored_links
from payglot.store.database import Tx


async def schema_revision(tx: Tx) -> str | None:
    return await stored.schema_revision(tx)


async def fits(tx: Tx, revision: str | None, head: str) -> bool:
    """Whether a server that knows the schema up to `head` may run on a database at `revision`: the same, or a newer
    one that says so, as in the middle of a rolling upgrade."""
    if revision is None or revision <= head:
        return revision == head
    return await stored.serves_from(tx) <= head


async def unsafe_settings(tx: Tx) -> list[str]:
    """Database settings that are off and must be on for a committed payment to survive a crash."""
    settings = await stored.durability(tx)
    return sorted(name for name, value in settings.items() if value == "off")


async def links_by_status(tx: Tx) -> dict[tuple[str, str], int]:
    """How many links each (dialect, status) has."""
    return await stored_links.count_by_status(tx)
