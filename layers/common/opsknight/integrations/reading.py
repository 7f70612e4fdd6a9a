"""A tool's payload, read by its preset: which events it holds, and what is passed over and why."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, assert_never

from opsknight.classes import dataclass
from opsknight.directory.presets import ActionRule, Ignore, Preset, SeverityRule, Words
from opsknight.incident.model import Action, Severity
from opsknight.integrations.drafts import Draft, words
from opsknight.integrations.expressions import evaluated, truth

_LONGEST_SAID: Final = 100


@dataclass(frozen=True, slots=True)
class Passed:
    """It is no event, as the preset says: a test message, or news that wakes nobody."""

    why: str


@dataclass(frozen=True, slots=True)
class Meaningless:
    """It can never be taken: it names no problem."""

    why: str


type Found = Draft | Passed | Meaningless


def read(preset: Preset, body: object, headers: Mapping[str, str]) -> Iterator[Found]:
    """What is in the payload, in its order. `headers` have names in lower case, and no key."""
    sent = {"body": body, "headers": dict(headers), "item": body}
    problems: list[tuple[str, str]] = []
    found = _value("events", preset.events, sent, problems)
    items = found if isinstance(found, list) else [] if found is None else [found]
    if not items:
        yield Meaningless(_said("there is nothing in it", problems))
    for item in items:
        yield _event(preset, {**sent, "item": item})


def _event(preset: Preset, sent: Mapping[str, Any]) -> Found:
    problems: list[tuple[str, str]] = []

    def value(name: str, text: str | None) -> Any:
        return None if text is None else _value(name, text, sent, problems)

    asked = truth(value("action", preset.action.value))
    action = _action(preset.action, asked)
    if action is None:
        return Passed(f'its action is "{asked[:_LONGEST_SAID]}"' if asked else "it has no action")
    dedup_key = words(value("dedup_key", preset.dedup_key))
    summary = words(value("summary", preset.summary))
    if not dedup_key and (action is not Action.TRIGGER or not summary):
        return Meaningless(_said("it has no dedup key", problems))
    severity = None if preset.severity is None else value("severity", preset.severity.value)
    links = [
        {"href": href, "text": link.text}
        for link in preset.links
        if (href := words(value("links", link.href)))
    ]
    return Draft(
        action,
        dedup_key=dedup_key or None,
        summary=summary or dedup_key,
        source=words(value("source", preset.source)) or None,
        severity=_severity(preset.severity, severity),
        custom_details=value("details", preset.details),
        rest={"client": preset.name, **({"links": links} if links else {})},
        problems=tuple(problems),
    )


def _value(name: str, text: str, sent: object, problems: list[tuple[str, str]]) -> Any:
    def note(why: str) -> None:
        problems.append((name, why))

    return evaluated(text, sent, note)


def _said(why: str, problems: list[tuple[str, str]]) -> str:
    return "; ".join([why, *(f"{name}: {said}" for name, said in problems)])


def _is_among(value: str) -> Callable[[Words], bool]:
    """Whole words in any case: `not resolved` is no `resolved`."""
    folded = value.casefold()
    return lambda listed: any(folded == each.casefold() for each in listed)


def _action(rule: ActionRule, value: str) -> Action | None:
    """None for what is ignored."""
    among = _is_among(value)
    for action in Action:
        if value and among(_words_of(rule, action)):
            return action
    ignored = bool(value) and among(rule.ignore)
    return None if ignored or isinstance(rule.otherwise, Ignore) else rule.otherwise


def _words_of(rule: ActionRule, action: Action) -> Words:
    match action:
        case Action.TRIGGER:
            return rule.trigger
        case Action.ACKNOWLEDGE:
            return rule.acknowledge
        case Action.RESOLVE:
            return rule.resolve
        case _:
            assert_never(action)


def _severity(rule: SeverityRule | None, sent: object) -> object:
    """A severity, or the sender's own word where the rule has none for it."""
    if rule is None:
        return None
    among = _is_among(truth(sent))
    listed = {
        Severity.CRITICAL: rule.critical,
        Severity.ERROR: rule.error,
        Severity.WARNING: rule.warning,
        Severity.INFO: rule.info,
    }
    found = next((severity for severity, each in listed.items() if among(each)), rule.otherwise)
    return sent if found is None else found.value
