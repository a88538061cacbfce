"""`requests-oauthlib`, a generic OAuth 2 client, used as a shop of Qonto's uses it: it refreshes by itself."""

from typing import Any
from urllib.parse import urljoin

import steps
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

_session: Any = None
_base_url = ""
_client: dict[str, str] = {}
_saved: list[dict[str, Any]] = []


def connect(base_url: str, oauth: dict[str, str], access_token: str = "gone") -> None:
    """With a refresh token: what a shop keeps between two runs."""
    global _session, _base_url, _client
    _saved.clear()
    _base_url, _client = base_url, {name: oauth[name] for name in ("client_id", "client_secret")}
    token = {
        "access_token": access_token, "refresh_token": oauth["refresh_token"], "token_type": "bearer", "expires_in": -1,
    }  # fmt: skip
    _session = OAuth2Session(
        _client["client_id"], token=token, auto_refresh_url=f"{base_url}/oauth2/token", auto_refresh_kwargs=_client,
        token_updater=_saved.append,
    )  # fmt: skip


def saved() -> Any:
    """The tokens that the client was given and told to save."""
    return _saved


def authorization_url(base_url: str, client_id: str, redirect_uri: str, scopes: list[str]) -> Any:
    """Where the merchant's browser goes, with a proof key."""
    global _session, _base_url
    _base_url = base_url
    _session = OAuth2Session(client_id, redirect_uri=redirect_uri, scope=scopes, pkce="S256")
    url, state = _session.authorization_url(f"{base_url}/oauth2/auth")
    return {"url": url, "state": state}


def exchange(returned_to: str, client_secret: str) -> Any:
    """The code for tokens, once the browser is back."""
    # `include_client_id` puts the client's credentials into the body, where Qonto documents them.
    return dict(
        _session.fetch_token(
            f"{_base_url}/oauth2/token", authorization_response=returned_to, client_secret=client_secret,
            include_client_id=True,
        )
    )  # fmt: skip


def revoke(token: str, oauth: dict[str, str]) -> Any:
    form = {"token": token, "client_id": oauth["client_id"], "client_secret": oauth["client_secret"]}
    return _session.post(f"{_base_url}/oauth2/revoke", data=form, withhold_token=True).status_code


def call(method: str, path: str, json: Any = None, params: Any = None) -> Any:
    answer = _session.request(method, urljoin(_base_url, path), json=json, params=params, timeout=30)
    return {"status": answer.status_code, "body": answer.json() if answer.content else None}


def _explain(error: Exception) -> dict[str, Any]:
    if isinstance(error, OAuth2Error):
        return {"error": error.error, "status": error.status_code}
    return {}


if __name__ == "__main__":
    steps.take(globals(), _explain)
