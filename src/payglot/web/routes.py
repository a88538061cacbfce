"""The class of routes whose functions read the request themselves and return finished answers."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response


class PlainRoute(APIRoute):
    """Calls `endpoint(request=…, **path_parameters)`, path parameters as text: FastAPI's injection, which would find
    nothing else to do, is left out of every request. The OpenAPI document is made as usual."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        endpoint: Any = self.endpoint

        async def handle(request: Request) -> Response:
            answered: Response = await endpoint(request=request, **request.path_params)
            return answered

        return handle
