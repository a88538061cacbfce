"""The operator's API as a test asks it."""

from typing import Any

from tests.world import ADMIN_TOKEN, World


async def ask(world: World, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = await world.http.request(method, path, headers=headers, json=body, params=query)
    assert response.status_code == status, response.text
    return response.json() if response.content else None
