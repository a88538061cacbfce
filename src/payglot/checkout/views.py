"""What templates get: values with names, made for showing. No stored object reaches a template."""

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from payglot.checkout.forms import Once


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """What every page has. `accent` is the address of the merchant's colour; `test` tells that no money moves."""

    language: str
    direction: str
    title: str
    test: bool = False
    accent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Until:
    """An instant: for machines, for people, and how many seconds remain until then."""

    iso: str
    text: str
    seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    label: str
    detail: str | None
    amount: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Who is paid, how much, for what, until when. `amount` is None while it is not known, with `names_amount` because
    the payer names it; with `pays_out` it is the visitor who is paid; `every` says how often it is paid again."""

    payee: str
    initial: str
    logo_url: str | None
    image_url: str | None
    title: str | None
    amount: str | None
    names_amount: bool
    every: str | None
    rows: tuple[Row, ...]
    description: Markup | None
    until: Until | None
    pays_out: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choosable:
    value: str
    label: str
    hint: str | None
    chosen: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One thing to fill in. `type` and `mode` are HTML's; `problem` is what was wrong with it last time."""

    name: str
    label: str
    kind: Literal["choice", "select", "line", "checkbox", "hidden"]
    type: str
    mode: str | None
    required: bool
    options: tuple[Choosable, ...]
    value: str
    hint: str | None
    suffix: str | None
    max_length: int
    autocomplete: str | None
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Inputs that belong together, under a heading if there is one."""

    legend: str | None
    inputs: tuple[Input, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """An entry of the error summary. `field` is the input's name, None when it is none of the page's."""

    field: str | None
    label: str | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    """`action` is what the form sends; the first main button is what Enter presses."""

    action: str
    label: str
    main: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FormTo:
    path: str
    once: Once


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """Where the page hears of changes, with a script; `can_ask` tells whether its visitor waits for one and gets a link
    to look. No page loads anew by the clock, which would interrupt whoever reads it (WCAG 2.2.1, failure F41)."""

    path: str
    can_ask: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choose:
    """The first page. Without `form` there is nothing to pay, and `closed` says why."""

    shell: Shell
    summary: Summary
    form: FormTo | None
    groups: tuple[Group, ...]
    buttons: tuple[Button, ...]
    notices: tuple[str, ...]
    problems: tuple[Problem, ...]
    closed: str | None
    can_abort: bool
    left: bool
    live: Live | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """`copy` is what a click copies: the bare value, without its unit."""

    label: str
    value: str
    copy: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Back:
    """The way back to the merchant."""

    url: str
    host: str


Tone = Literal["act", "wait", "good", "bad", "over"]


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Where an attempt, or a link that takes no more payment, stands, and what can be done now."""

    shell: Shell
    summary: Summary
    tone: Tone
    heading: str
    sentences: tuple[Markup, ...]
    facts: tuple[Fact, ...] = ()
    qr: Markup | None = None
    deadline: Until | None = None
    form: FormTo | None = None
    buttons: tuple[Button, ...] = ()
    sandbox: tuple[Button, ...] = ()
    sandbox_bank: bool = False
    """Whether the sandbox's buttons stand for a bank's own page."""
    leaving: tuple[Button, ...] = ()
    back: Back | None = None
    again: str | None = None
    refund: str | None = None
    """Where money that went too far can be claimed back."""
    live: Live | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirm:
    """What a payee is about to get, and where; `values` are what they chose, sent along with the confirmation."""

    shell: Shell
    summary: Summary
    facts: tuple[Fact, ...]
    values: tuple[tuple[str, str], ...]
    form: FormTo
    buttons: tuple[Button, ...]
    change: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A page about a request that went nowhere."""

    shell: Shell
    heading: str
    sentence: str
