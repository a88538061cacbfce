"""The first page: a link's offer as a view."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from markupsafe import Markup

from payglot.checkout import colours, forms, standing
from payglot.checkout.addresses import ASSETS
from payglot.checkout.desk import Visit, origin_of
from payglot.checkout.forms import Once
from payglot.checkout.views import (
    Button,
    Choosable,
    Choose,
    FormTo,
    Group,
    Input,
    Live,
    Problem,
    Row,
    Shell,
    Summary,
    Until,
)
from payglot.checkout.wording import foreign
from payglot.domain.errors import ChoiceInvalid
from payglot.domain.link import Direction
from payglot.domain.money import Money
from payglot.web import instants
from payglot.web.flow import CHOOSE, Field, Offer

_TITLES = {Direction.IN: "Pay {}", Direction.OUT: "Money from {}"}
_TYPES = {
    "text": ("text", None),
    "email": ("email", None),
    "tel": ("tel", None),
    "amount": ("text", "decimal"),
    "quantity": ("text", "numeric"),
}


def page(
    visit: Visit,
    *,
    once: Once | None = None,
    sent: Mapping[str, str] | None = None,
    refused: ChoiceInvalid | None = None,
    left: bool = False,
) -> Choose:
    """`sent` and `refused` are what the payer filled in and what was wrong with it; `once` is that form's."""
    link, offer = visit.dossier.link, visit.offer
    inputs = [_input(field, sent, refused) for field in offer.fields]
    closed, vault = offer.unpayable, visit.desk.services.vault
    address = visit.home if offer.step == CHOOSE else visit.page_of(visit.part)
    buttons = [Button(action="pay", label=offer.submit, main=True)]
    if offer.secondary is not None:
        buttons.append(Button(action=offer.secondary[0], label=offer.secondary[1]))
    return Choose(
        shell=shell(visit, visit.wording.plain(_TITLES[link.direction], offer.payee)),
        summary=summary(visit, offer, ends=closed is None),
        form=None if closed else FormTo(path=address, once=once or forms.new_once(vault, link.id)),
        groups=tuple(_grouped(inputs, {field.name: field.group for field in offer.fields})),
        buttons=tuple(buttons),
        notices=offer.notices,
        problems=tuple(_problems(inputs, refused)),
        closed=closed,
        can_abort=offer.can_abort and closed is None,
        left=left,
        # Pages that anybody can guess cost anybody no stream; and what was refused would be lost by a reload.
        live=None if link.slug is not None or refused else Live(path=live_path(visit), can_ask=False),
    )


def live_path(visit: Visit) -> str:
    link = visit.dossier.link
    return f"/pay/{link.token}/status?seen={seen(visit)}"


def seen(visit: Visit) -> str:
    """What the page of a link depends on."""
    payout = visit.dossier.payout
    claimed = f"-{payout.status}" if payout else ""
    return f"{visit.dossier.link.status}-{'room' if standing.takes_payment(visit.dossier.link) else 'full'}{claimed}"


def shell(visit: Visit, title: str) -> Shell:
    accent = colours.accent_name(visit.merchant.settings.brand_color)
    return Shell(
        language=visit.wording.language,
        direction=visit.wording.direction,
        title=title,
        test=not visit.is_live,
        accent=None if accent is None else ASSETS + accent,
    )


def summary(visit: Visit, offer: Offer, amount: Money | None = None, *, ends: bool = False) -> Summary:
    """`amount` is what a started payment is for, if one was started; `ends` tells that the expiry still matters."""
    wording, link = visit.wording, visit.dossier.link
    total = _in_short(amount) if amount is not None else offer.amount
    payee = foreign(offer.payee)
    return Summary(
        payee=payee,
        initial=next((c.upper() for c in payee if c.isalnum()), "·"),
        logo_url=_picture(visit.merchant.settings.logo_url),
        image_url=_picture(offer.image_url),
        title=None if offer.title is None else foreign(offer.title),
        amount=None if total is None else wording.amount(total, offer.currency),
        names_amount=any(field.kind == "amount" for field in offer.fields),
        every=offer.every,
        rows=tuple(
            Row(
                label=foreign(line.label),
                detail=None if line.detail is None else foreign(line.detail),
                amount=None if line.amount is None else wording.amount(line.amount, offer.currency),
            )
            for line in offer.lines
            if (line.label, line.detail) != (offer.title, None)
        ),
        description=None if offer.description_html is None else Markup(offer.description_html),  # noqa: S704 (sanitised)
        until=until(visit, link.expires_at) if ends and offer.shows_expiry and link.expires_at else None,
        pays_out=link.direction is Direction.OUT,
    )


def _in_short(amount: Money) -> str:
    """Crypto with two decimals and more only where there are some, so that a price stays the same from page to page."""
    if not amount.currency.is_crypto:
        return str(amount)
    whole, _, fraction = str(amount).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def until(visit: Visit, at: datetime) -> Until:
    seconds = max(0, int((at - visit.now).total_seconds()))
    return Until(iso=instants.seconds(at), text=visit.wording.instant(at), seconds=seconds)


def pictures(shown: Summary) -> set[str]:
    """The origins that the summary's pictures come from."""
    return {origin for url in (shown.logo_url, shown.image_url) if (origin := origin_of(url))}


def _picture(url: str | None) -> str | None:
    return url if origin_of(url) else None


def _input(field: Field, sent: Mapping[str, str] | None, refused: ChoiceInvalid | None) -> Input:
    value = field.value if sent is None else sent.get(field.name, "")
    kind = field.kind if field.kind in ("choice", "select", "checkbox", "hidden") else "line"
    type, mode = _TYPES.get(field.kind, ("text", None))
    chosen = value if value in {option.value for option in field.options} else field.value
    order = list(dict.fromkeys(option.group for option in field.options))
    return Input(
        name=field.name,
        label=field.label,
        kind=kind,
        type=type,
        mode=mode,
        required=field.required,
        options=tuple(
            Choosable(value=option.value, label=option.label, hint=option.hint, chosen=option.value == chosen)
            for option in sorted(field.options, key=lambda option: order.index(option.group))
        ),
        value=value,
        hint=field.hint,
        suffix=field.suffix,
        max_length=field.max_length,
        autocomplete=field.autocomplete,
        problem=refused.reason if refused is not None and refused.field == field.name else None,
    )


def _grouped(inputs: Iterable[Input], fields: Mapping[str, str | None]) -> Iterable[Group]:
    for legend, members in groupby(inputs, key=lambda member: fields[member.name]):
        yield Group(legend=legend, inputs=tuple(members))


def _problems(inputs: Iterable[Input], refused: ChoiceInvalid | None) -> Iterable[Problem]:
    if refused is None:
        return
    for input in inputs:
        if input.problem is not None:
            yield Problem(field=input.name, label=input.label, reason=input.problem)
            return
    yield Problem(field=None, label=None, reason=refused.reason)
