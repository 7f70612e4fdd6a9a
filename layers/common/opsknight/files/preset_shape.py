"""The shape of a preset, in the section `presets` of a configuration file and in our own.

Expressions are compiled here, so that a misspelt one is found before any alert needs it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsknight.config.configuration import Kind, id_of
from opsknight.directory.presets import (
    ActionRule,
    Ignore,
    Link,
    Preset,
    Scheme,
    SeverityRule,
    Signature,
)
from opsknight.files.values import Shape, Title
from opsknight.incident.model import Action, Severity
from opsknight.integrations.expressions import Expression, Invalid


def _expression(text: str) -> str:
    try:
        Expression(text)
    except Invalid as error:
        raise ValueError(f"is no JMESPath expression: {error}") from None
    return text


def _word(value: object) -> object:
    """`0` and `true` are words, too."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


ExpressionText = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_expression)]
Word = Annotated[str, BeforeValidator(_word), Field(min_length=1, max_length=200)]


def _value(data: object) -> object:
    """A rule that is one expression: its value says what to do in our own words."""
    return {"value": data} if isinstance(data, str) else data


class ActionShape(Shape):
    value: ExpressionText = Field(description="What says it in the payload.")
    trigger: tuple[Word, ...] = Field((), description="Values that mean: it has begun.")
    acknowledge: tuple[Word, ...] = Field(
        (), description="Values that mean: somebody has acknowledged it."
    )
    resolve: tuple[Word, ...] = Field((), description="Values that mean: it is over.")
    ignore: tuple[Word, ...] = Field((), description="Values that are no event.")
    otherwise: Action | Ignore = Field(
        Action.TRIGGER, description="What any other value means; by default trigger."
    )

    @model_validator(mode="after")
    def _says_each_once(self) -> Self:
        listed = [*self.trigger, *self.acknowledge, *self.resolve, *self.ignore]
        _once(listed)
        return self


class SeverityShape(Shape):
    value: ExpressionText = Field(description="What says it in the payload.")
    critical: tuple[Word, ...] = Field((), description="Values that are critical.")
    error: tuple[Word, ...] = Field((), description="Values that are an error.")
    warning: tuple[Word, ...] = Field((), description="Values that are a warning.")
    info: tuple[Word, ...] = Field((), description="Values that are info.")
    otherwise: Severity | None = Field(
        None,
        description="Of any other value; by default what its words usually mean, else critical.",
    )

    @model_validator(mode="after")
    def _says_each_once(self) -> Self:
        _once([*self.critical, *self.error, *self.warning, *self.info])
        return self


def _once(listed: list[str]) -> None:
    folded = [each.casefold() for each in listed]
    twice = next((each for each in listed if folded.count(each.casefold()) > 1), None)
    if twice is not None:
        raise ValueError(f'"{twice}" is listed twice')


class LinkShape(Shape):
    href: ExpressionText = Field(description="What says the address in the payload.")
    text: Title = Field(description="What people read.")


class SignatureShape(Shape):
    scheme: Scheme = Field(description="How the tool signs, or shows that it knows the secret.")
    header: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")] = Field(
        description="The header with the signature, in lower case."
    )
    prefix: str = Field("", max_length=20, description="What stands before its digits.")


class PresetShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    events: ExpressionText = Field(
        "body", description="What in the payload is an event, or the list of them."
    )
    action: Annotated[ActionShape, BeforeValidator(_value)] = Field(
        description="Which values mean trigger, acknowledge, resolve, or nothing."
    )
    dedup_key: ExpressionText = Field(
        description="What names the problem: the same when it begins and when it is over."
    )
    summary: ExpressionText = Field(description="The title of the incident.")
    source: ExpressionText | None = Field(
        None, description="Where the problem is; by default the integration's name."
    )
    severity: Annotated[SeverityShape, BeforeValidator(_value)] | None = Field(
        None, description="How bad it is; without it all is critical."
    )
    details: ExpressionText = Field("item", description="What is kept; by default the event.")
    links: tuple[LinkShape, ...] = Field((), description="Addresses that every message shows.")
    signatures: tuple[SignatureShape, ...] = Field(
        (), description="How the tool signs its requests; any of them will do."
    )
    setup: tuple[str, ...] = Field(
        (), description="What to do in the tool. {url} and {key} are filled in."
    )
    answers: Literal[200, 202] = Field(
        202, description="The status of what is taken, for a tool that insists on 200."
    )


# An action without any list says it in our own words.
_OWN: Final[Mapping[str, tuple[str, ...]]] = {each.value: (each.value,) for each in Action}


def preset(slug: str, shape: PresetShape) -> Preset:
    action = shape.action
    listed = {name: getattr(action, name) for name in (*_OWN, Ignore.IGNORE.value)}
    if not any(listed.values()):
        listed |= _OWN
    severity = shape.severity
    return Preset(
        id=id_of(Kind.PRESET, slug),
        name=shape.name or slug,
        events=shape.events,
        action=ActionRule(value=action.value, otherwise=action.otherwise, **listed),
        dedup_key=shape.dedup_key,
        summary=shape.summary,
        source=shape.source,
        severity=None if severity is None else SeverityRule(**dict(severity)),
        details=shape.details,
        links=tuple(Link(**dict(each)) for each in shape.links),
        signatures=tuple(Signature(**dict(each)) for each in shape.signatures),
        setup=shape.setup,
        answers=shape.answers,
    )


def described_preset(preset: Preset) -> dict[str, Any]:
    """As the file has it. Defaults are left out; the name is added by the caller."""
    action = preset.action.model_dump(mode="json", exclude_defaults=True)
    listed = {name: each for name, each in action.items() if isinstance(each, list)}
    ours = {name: list(each) for name, each in _OWN.items()}
    written: dict[str, Any] = {"value": preset.action.value}
    written |= {} if listed == ours else listed
    if preset.action.otherwise is not Action.TRIGGER:
        written["otherwise"] = preset.action.otherwise.value
    rest = preset.model_dump(
        mode="json", exclude_defaults=True, exclude={"id", "name", "action"}, exclude_none=True
    )
    return {"action": written["value"] if len(written) == 1 else written, **rest}
