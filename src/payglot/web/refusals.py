"""Why a request was turned away before the domain saw it. Each dialect words them in its own shape."""

from typing import Any


class Refused(Exception):
    """A request that goes no further; the subclasses say why, their fields say what."""


class NotAuthenticated(Refused):
    """`missing` tells a credential that was not sent from one that is wrong."""

    def __init__(self, *, missing: bool) -> None:
        super().__init__()
        self.missing = missing


class AddressNotAllowed(Refused):
    """The caller's address is not on the merchant's list."""


class NotPermitted(Refused):
    """The credential lacks a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class BodyNotJson(Refused):
    """`reason` is a short constant phrase."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BodyUnusable(BodyNotJson):
    """JSON by its grammar, but not such as we read: for dialects that tell the two apart."""


class BodyTooLarge(Refused):
    """More bytes than we read."""


class WrongContentType(Refused):
    """The body is not of a type that this path takes."""


class NotAcceptable(Refused):
    """The caller asks for a representation that we do not have."""


class Invalid(Refused):
    """The request has the wrong shape or values: `problems` lists every one, in a dialect's own terms or Pydantic's."""

    def __init__(self, problems: list[Any]) -> None:
        super().__init__()
        self.problems = problems


class UnknownPath(Refused):
    """Nothing is served at this path."""


class UnknownMethod(Refused):
    """The path is served, but not with this method; `allowed` lists those that are."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__()
        self.allowed = allowed


class TooManyRequests(Refused):
    """Over a limit; try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class TemporarilyUnavailable(Refused):
    """The database or another part does not answer now."""


class Broken(Refused):
    """A fault of ours. What it was is in the log, under the request's id."""
