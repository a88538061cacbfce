"""Takes the steps that the test asks for: one JSON object a line in, one a line out."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any


def take(steps: dict[str, Any], explain: Callable[[Exception], dict[str, Any]] = lambda _error: {}) -> None:
    """`explain` tells what one of the client's errors knows beyond its message."""
    answers = os.fdopen(os.dup(1), "w")
    # Whatever a client prints must not be taken for an answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"gave": steps[asked["do"]](**asked["with"])}
        except Exception as error:  # noqa: BLE001
            traceback.print_exc()
            said = {"raised": {"type": type(error).__name__, "message": str(error), "details": explain(error)}}
        print(json.dumps(said, default=str), file=answers, flush=True)
