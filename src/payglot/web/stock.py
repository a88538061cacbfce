"""What a link sells may change after it was made: a flow that looks it up says so here."""

from typing import Protocol, runtime_checkable

from payglot.domain.dossier import Dossier
from payglot.web.atomic import Tx


@runtime_checkable
class Stocked(Protocol):
    """A flow's other side, beside its pure functions."""

    async def stocked(self, tx: Tx, dossier: Dossier) -> Dossier:
        """The dossier with what its link sells by now. It is for looking at, never for writing."""
        ...


async def stocked(flow: object, tx: Tx, dossier: Dossier) -> Dossier:
    return await flow.stocked(tx, dossier) if isinstance(flow, Stocked) else dossier
