"""What the templates are given: named fields, ready to show. No stored object reaches a template."""

from dataclasses import dataclass, field
from typing import Literal

from payglot.web.flow import Field, Line, Option

Kind = Literal["waiting", "good", "bad", "over"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What every page has. `accent` is a style class of ours, never a merchant's text."""

    language: str
    title: str
    payee: str | None = None
    is_test: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """`amount` is None when the payer names it. `until` is a sentence."""

    title: str | None
    amount: str | None
    lines: tuple[Line, ...] = ()
    until: str | None = None
    description_html: str | None = None
    image_url: str | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledField:
    """A field with what the payer sent, and what was wrong with it."""

    field: Field
    value: str
    problem: str | None = None

    @property
    def groups(self) -> tuple[tuple[str | None, tuple[Option, ...]], ...]:
        """Options that stand together, in their order."""
        grouped: dict[str | None, list[Option]] = {}
        for option in self.field.options:
            grouped.setdefault(option.group, []).append(option)
        return tuple((name, tuple(options)) for name, options in grouped.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """`proof` and `nonce` go with every form."""

    action: str
    nonce: str
    proof: str
    fields: tuple[FilledField, ...] = ()
    submit: str = ""
    secondary: tuple[str, str] | None = None
    can_abort: bool = False

    @property
    def problems(self) -> tuple[FilledField, ...]:
        return tuple(filled for filled in self.fields if filled.problem)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    label: str
    value: str
    copyable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    """A sandbox outcome: its form value, its words, and whether it is the main one."""

    value: str
    label: str
    main: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """An attempt that is under way. `qr_svg` is ours; `deadline` an ISO 8601 instant for the countdown."""

    heading: str
    facts: tuple[Fact, ...]
    qr_svg: str | None
    deadline: str | None
    progress: str | None
    status_path: str
    is_bank: bool
    is_manual: bool
    can_change: bool
    can_abort: bool
    buttons: tuple[Button, ...]
    form: Form


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """A page without a form: what happened, and where to go now."""

    kind: Kind
    heading: str
    sentence: str
    facts: tuple[Fact, ...] = field(default=())
    onward_url: str | None = None
    onward_label: str | None = None
    status_path: str | None = None
