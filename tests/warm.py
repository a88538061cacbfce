"""What every process of ours loads, loaded once: the processes that tests start are forked from one that has it."""

import gc

from payglot import launch
from payglot.commands import forwarding

__all__ = ["forwarding", "launch"]

gc.collect()
gc.freeze()
