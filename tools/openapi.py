"""Writes docs/openapi: `python -m tools.openapi`. A test compares it with what the server gives."""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.testclient import TestClient

from payglot import server
from payglot.dialects import DIALECTS
from payglot.settings import Settings
from payglot.store.database import Database

FOLDER = Path(__file__).parent.parent / "docs" / "openapi"


def documents() -> dict[str, Any]:
    """By name; nothing is asked of a database."""
    settings = Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1/none"),
        sandbox=True,
        admin_token=SecretStr("-"),
        secret_key=SecretStr("-"),
    )
    assert settings.database_url is not None
    built = server.services(settings, Database(settings.database_url.get_secret_value()), lambda: None)
    client = TestClient(server.application(settings, built))
    names = (*sorted(DIALECTS), "admin", "sandbox")
    return {name: client.get(f"/openapi/{name}.json").json() for name in names}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, document in documents().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
