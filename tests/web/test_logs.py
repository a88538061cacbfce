"""What the process prints, one JSON object a line."""

import json
import subprocess
import sys

PROGRAM = """
import logging
import structlog
from payglot.web import logs

logs.configure(format="json", level="info")
structlog.get_logger("ours").info("request", status=200)
logging.getLogger("uvicorn.error").warning("Invalid HTTP request %s.", "received")
try:
    raise ValueError("no")
except ValueError:
    logging.getLogger("theirs").exception("broke")
"""


def test_every_line_is_one_json_object_whoever_logs() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True).stderr
    ours, theirs, broke = [json.loads(line) for line in printed.splitlines()]
    assert (ours["event"], ours["status"], ours["level"]) == ("request", 200, "info")
    assert (theirs["event"], theirs["level"]) == ("Invalid HTTP request received.", "warning")
    assert "timestamp" in theirs
    assert "ValueError: no" in broke["exception"]
