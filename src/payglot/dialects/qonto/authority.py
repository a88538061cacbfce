"""The rules of OAuth 2, by Authlib, over what a request names: loaded beforehand, without a database.

Authlib asks for clients, codes and tokens as it goes and tells what to save, all in synchronous calls. Here it is given
them, and what it tells comes back as a value, which the routes write in the request's own transaction.
"""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error as OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge

from payglot.dialects.qonto import auth

Pairs = Sequence[tuple[str, str]]

_AUTH_METHODS = ("client_secret_post", "none")
_WORDS = {
    "unsupported_grant_type": "grant_type must be authorization_code or refresh_token",
    "unsupported_response_type": "response_type must be code",
    "unauthorized_client": "The client is not registered for this",
    "access_denied": "The merchant refused",
    "invalid_scope": "The scope is missing, unknown, or more than the client is registered for",
}
"""Where Authlib's own descriptions repeat what was sent, or are none."""
_KEPT = ("redirect_uri", "scope", "code_challenge", "code_challenge_method", "nonce")
_BAD_GRANT = "The refresh token is invalid, expired, revoked, or was issued to another client"
_BAD_CODE = "The code is invalid, expired, used, or was issued to another client"


@dataclass(frozen=True, kw_only=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """An application. `owner` is the name of the merchant that it was registered for."""

    id: str
    name: str
    owner: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    is_public: bool

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> None:
        """The address is always to be named."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All that is asked for, or None: nothing is left out silently."""
        asked = (scope or "").split()
        return " ".join(dict.fromkeys(asked)) if asked and self.scopes.issuperset(asked) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Letter by letter."""
        return redirect_uri in self.redirect_uris

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "refresh_token" or bool(self.redirect_uris)


@dataclass(frozen=True, kw_only=True)
class Granted(AuthorizationCodeMixin):  # type: ignore[misc]
    """What an authorization code stands for."""

    merchant_id: UUID
    redirect_uri: str
    scope: str
    code_challenge: str | None
    code_challenge_method: str | None
    nonce: str | None

    @classmethod
    def read(cls, merchant_id: UUID, details: Mapping[str, Any]) -> "Granted":
        """From the details that were kept with the code."""
        return cls(merchant_id=merchant_id, **{name: details[name] for name in _KEPT})

    @property
    def details(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT}

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, kw_only=True)
class Held(TokenMixin):  # type: ignore[misc]
    """A token that a client holds."""

    merchant_id: UUID
    client_id: str | None
    scope: str

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.id

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """A valid request for consent. `answer` gives the code and where to send the browser with it."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    grant: Any

    def allow(self, merchant_id: UUID) -> tuple[str, Granted, str]:
        """The new code, what it stands for, and the address that takes it to the client."""
        _, _, headers = self.grant.create_authorization_response(self.redirect_uri, merchant_id)
        code, granted = self.grant.server.coded
        return code, granted, dict(headers)["Location"]

    def refuse(self) -> OAuth2Error:
        try:
            self.grant.create_authorization_response(self.redirect_uri, None)
        except OAuth2Error as error:
            error.state = self.grant.request.payload.state
            return error
        raise AssertionError("refused without an error")


def consent(client: Client | None, pairs: Pairs) -> Consent:
    """Raises OAuth2Error; one that has a `redirect_uri` is for the client, any other for the person before the page."""
    server = _Server(client)
    grant = server.get_consent_grant(_Request(pairs))
    return Consent(
        client=grant.request.client,
        redirect_uri=grant.redirect_uri,
        scopes=tuple(grant.request.scope.split()),
        grant=grant,
    )


def tokens(
    client: Client, form: Mapping[str, str], *, code: Granted | None = None, token: Held | None = None
) -> tuple[tuple[str, ...], bool]:
    """The scopes of the tokens to give, and whether a refresh token is one of them. `code` and `token` are what the
    form names, if that is still good. Raises OAuth2Error."""
    server = _Server(client, code=code, token=token)
    grant = server.get_token_grant(_Request(list(form.items())))
    grant.validate_token_request()
    _, given, _ = grant.create_token_response()
    return tuple(given["scope"].split()), given["include_refresh_token"]


def is_revocable(client: Client, form: Mapping[str, str], token: Held | None) -> bool:
    """Whether there is a token to revoke; raises OAuth2Error, also for another client's token."""
    endpoint = _Revocation(_Server(client, token=token))
    return endpoint.authenticate_token(_Request(list(form.items())), client) is not None


def words(error: OAuth2Error) -> str:
    """A description that repeats nothing of what was sent."""
    described: str = _WORDS.get(error.error) or error.description or _BAD_GRANT
    return described.rstrip(".")


class _Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters without a value count as not sent (RFC 6749, section 3.1)."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            if value:
                self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return {name: values[-1] for name, values in self._lists.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists

    @property
    def response_type(self) -> str:
        # Authlib makes a description of it, which not every text can be.
        return "code" if self.data.get("response_type") == "code" else "other"


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, pairs: Pairs) -> None:
        # Authlib looks at the address for https; whether the transport is safe is the operator's to say.
        super().__init__("POST", "https://localhost/")
        self.payload = _Payload(pairs)

    @property
    def form(self) -> dict[str, str]:
        found: dict[str, str] = self.payload.data
        return found


class _Server(AuthorizationServer):  # type: ignore[misc]
    """One per request: it knows just what that request names."""

    def __init__(self, client: Client | None, *, code: Granted | None = None, token: Held | None = None) -> None:
        super().__init__()
        self.client, self.code, self.token = client, code, token
        self.coded: tuple[str, Granted] | None = None
        self.register_grant(_CodeGrant, [_Pkce()])
        self.register_grant(_RefreshGrant)
        self.register_token_generator("default", self._given)

    def query_client(self, client_id: str) -> Client | None:
        return self.client

    def authenticate_client(self, request: _Request, methods: Sequence[str], endpoint: str = "token") -> Client | None:
        """Its credentials were checked before anything was loaded."""
        request.auth_method = "none" if self.client and self.client.is_public else "client_secret_post"
        return self.client

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def save_token(self, token: Mapping[str, Any], request: _Request) -> None:
        """The caller does, who has the transaction."""

    def _given(self, grant_type: str, scope: str, **_: Any) -> dict[str, Any]:
        return {"scope": scope, "include_refresh_token": grant_type == "refresh_token" or auth.OFFLINE in scope.split()}


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS

    @staticmethod
    def validate_authorization_redirect_uri(request: _Request, client: Client) -> str:
        """As Authlib's own, without repeating the address."""
        uri: str | None = request.payload.redirect_uri
        if uri is None or not client.check_redirect_uri(uri):
            raise InvalidRequestError("redirect_uri is missing or not registered for the client")
        return uri

    def generate_authorization_code(self) -> str:
        return f"ory_ac_{secrets.token_urlsafe(32)}"

    def save_authorization_code(self, code: str, request: _Request) -> None:
        sent = request.payload.data
        granted = Granted(
            merchant_id=request.user,
            redirect_uri=sent["redirect_uri"],
            scope=request.scope,
            code_challenge=sent.get("code_challenge"),
            code_challenge_method=sent.get("code_challenge_method"),
            nonce=sent.get("nonce"),
        )
        self.server.coded = (code, granted)

    def query_authorization_code(self, code: str, client: Client) -> Granted:
        granted: Granted | None = self.server.code
        if granted is None:
            raise InvalidGrantError(_BAD_CODE)
        return granted

    def delete_authorization_code(self, authorization_code: Granted) -> None:
        """The caller does."""

    def authenticate_user(self, authorization_code: Granted) -> UUID:
        return authorization_code.merchant_id


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Held | None:
        held: Held | None = self.server.token
        return held

    def authenticate_user(self, refresh_token: Held) -> UUID:
        return refresh_token.merchant_id

    def revoke_old_credential(self, refresh_token: Held) -> None:
        """The caller does, when its overlap is over."""


class _Pkce(CodeChallenge):  # type: ignore[misc]
    """S256 only, and not without it for clients that have no secret. `state` is required here, too."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: _CodeGrant, redirect_uri: str) -> None:
        super().validate_code_challenge(grant, redirect_uri)
        sent = grant.request.payload.data
        if "state" not in sent:
            raise InvalidRequestError("state is required")
        if "code_challenge" not in sent and grant.request.client.is_public:
            raise InvalidRequestError("code_challenge is required of a public client")
        if "code_challenge" in sent and "code_challenge_method" not in sent:
            raise InvalidRequestError("code_challenge_method must be S256")


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    def check_params(self, request: _Request, client: Client) -> None:
        """A hint that is none changes nothing (RFC 7009, section 2.2.1)."""
        if "token" not in request.form:
            raise InvalidRequestError("token is required")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Held | None:
        held: Held | None = self.server.token
        return held
