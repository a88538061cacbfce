"""The checkout's templates and assets, rendered for one view and one wording."""

from collections.abc import Iterable, Mapping

from starlette.responses import RedirectResponse, Response

from payglot.checkout.addresses import ASSETS
from payglot.checkout.views import Choose, Confirm, Failure, State
from payglot.checkout.wording import Wording
from payglot.web.pages import PROTECTIVE, Pages

pages = Pages("payglot.checkout", ASSETS)
_KEPT = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
_TEMPLATES: dict[type, str] = {
    Choose: "choose.html",
    Confirm: "confirm.html",
    State: "state.html",
    Failure: "failure.html",
}

asset = pages.asset


def page(
    view: Choose | Confirm | State | Failure,
    wording: Wording,
    *,
    status: int = 200,
    secure: bool,
    images_from: Iterable[str] = (),
    forms_to: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    return pages.page(
        _TEMPLATES[type(view)],
        status=status,
        secure=secure,
        images_from=sorted(images_from),
        forms_to=sorted(forms_to),
        headers={"content-language": wording.language, **(headers or {})},
        view=view,
        say=wording.say,
        plain=wording.plain,
    )


def sheet(content: str) -> Response:
    """A style sheet that is what its name says, for ever."""
    return Response(content, media_type="text/css", headers=_KEPT)


def see(address: str) -> Response:
    """See other: what a form leads to, so that reloading sends nothing twice."""
    return RedirectResponse(address, 303, headers=PROTECTIVE)
