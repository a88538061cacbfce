"""The authorization page and its failures, which nobody may frame."""

from urllib.parse import urlsplit

from starlette.responses import Response

from payglot.dialects.qonto.authority import Client
from payglot.web.pages import Pages

ASSETS = "/oauth2/_assets/"
_pages = Pages("payglot.dialects.qonto", ASSETS)
_UNFRAMED = {"x-frame-options": "DENY"}
_SCOPES = {
    "payment_link.read": "see your payment links and their payments",
    "payment_link.write": "create and deactivate payment links",
    "webhook": "be told by webhook of what it may see",
    "organization.read": "withdraw what you consented to",
    "openid": "know who you are",
    "offline_access": "keep its access until the consent is withdrawn",
}

asset = _pages.asset


def consent(
    client: Client,
    *,
    scopes: tuple[str, ...],
    redirect_uri: str,
    action: str,
    proof: str,
    secure: bool,
    problem: str | None = None,
) -> Response:
    """What the client asks for, to be allowed with a sign-in code or refused."""
    return _pages.page(
        "consent.html",
        status=200 if problem is None else 422,
        secure=secure,
        # Browsers hold the address that a form ends at against this, too.
        forms_to=(_source(redirect_uri),),
        headers=_UNFRAMED,
        client=client,
        scopes=[_SCOPES.get(scope, scope) for scope in scopes],
        destination=urlsplit(redirect_uri).netloc or "the application",
        action=action,
        proof=proof,
        problem=problem,
    )


def onboarding(
    *,
    merchant: str,
    word: str,
    callback_url: str,
    action: str,
    proof: str,
    buttons: tuple[tuple[str, str], ...],
    secure: bool,
) -> Response:
    """The merchant's connection, to be completed or ended; either leads back to the partner."""
    return _pages.page(
        "onboarding.html",
        secure=secure,
        forms_to=(_source(callback_url),),
        headers=_UNFRAMED,
        merchant=merchant,
        word=word,
        destination=urlsplit(callback_url).netloc,
        action=action,
        proof=proof,
        buttons=buttons,
    )


def failure(status: int, sentence: str, *, heading: str = "This request cannot be answered") -> Response:
    return _pages.page("failure.html", status=status, headers=_UNFRAMED, heading=heading, sentence=sentence)


def _source(redirect_uri: str) -> str:
    """Its origin, or its scheme where it has none, as a policy names them."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
