"""Registering a route with and without a slash at its end: the provider takes both."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter

F = TypeVar("F", bound=Callable[..., Any])


def at(router: APIRouter, method: str, path: str, **told: Any) -> Callable[[F], F]:
    """`told` is what `openapi.operation` made."""

    def register(function: F) -> F:
        router.add_api_route(path, function, methods=[method], **told)
        router.add_api_route(f"{path}/", function, methods=[method], include_in_schema=False)
        return function

    return register
