"""Process-wide objects, built once by the server or the worker and never changed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from payglot.operations.clock import Clock
from payglot.operations.vault import Vault
from payglot.rails.base import Rail
from payglot.store.database import Database
from payglot.web.callers import Callers
from payglot.web.limits import Limiter


@dataclass(frozen=True, kw_only=True)
class Services:
    """What routes work with. `public_url` has no trailing slash; `wake` tells the dispatcher, in this process or
    another, that an event was committed."""

    database: Database
    clock: Clock
    vault: Vault
    callers: Callers
    limiter: Limiter
    rail: Rail
    public_url: str
    sandbox: bool
    wake: Callable[[], None]
    check_url: Callable[[str], None]
    """Raises ValueError with a sentence when webhooks may not go to an address."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server stops: endless responses (server-sent events) end then, instead of holding it up."""
