"""A plan in words and as data: what the command line shows and what the HTTP API answers say the
same.
"""

from collections.abc import Iterator
from typing import Any, assert_never

from opsknight.classes import dataclass
from opsknight.config import mailboxes
from opsknight.config.configuration import Entry, Path, kind_of, path_of, slug_of
from opsknight.config.diff import Create, Remove, Step, Update
from opsknight.directory.entries import Service, User
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Own
from opsknight.files.describing import fields
from opsknight.files.problems import dotted
from opsknight.store.plans import Plan, Silenced


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` or `after` is None where there is nothing."""

    path: Path
    before: Any
    after: Any


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """The differences between two entries as data, in parts as small as stay readable."""
    match before, after:
        case dict(), dict():
            for name in [*after, *(name for name in before if name not in after)]:
                yield from differences(before.get(name), after.get(name), (*path, name))
        case list(), list() if any(map(_is_deep, before + after)):
            for number in range(max(len(before), len(after))):
                one = before[number] if number < len(before) else None
                other = after[number] if number < len(after) else None
                yield from differences(one, other, (*path, number))
        case _ if before != after:
            yield Difference(path, before, after)
        case _:
            return


def _is_deep(value: Any) -> bool:
    """Mappings of one key, such as targets, are shown as a whole."""
    return isinstance(value, dict) and len(value) > 1


def changes(before: Entry, after: Entry) -> Iterator[Difference]:
    was, is_now = fields(before), fields(after)
    if isinstance(after, Integration):
        # One without settings is only a name.
        was, is_now = ({"name": each} if isinstance(each, str) else each for each in (was, is_now))
    if isinstance(before, User) and isinstance(after, User):
        was, is_now = _owned(before, after, was), _owned(after, before, is_now)
    yield from differences(was, is_now)
    if isinstance(before, Service) and isinstance(after, Service):
        looked_up = [
            [slug_of(each) for each in service.looked_up or ()] or None
            for service in (before, after)
        ]
        if looked_up[0] != looked_up[1]:
            yield Difference(("integrations", "(with settings of their own)"), *looked_up)
    if isinstance(before, User) and isinstance(after, User) and before.team_ids != after.team_ids:
        teams = ([slug_of(each) for each in user.team_ids] for user in (before, after))
        yield Difference(("teams", "(by their members)"), *teams)


def _owned(user: User, other: User, data: Any) -> Any:
    """With what is the person's own, where it is the file's before or after: a plan says who takes
    it over.
    """
    own, others = user.own or Own(), other.own or Own()
    if own.contact_methods and not others.contact_methods:
        ways = ", ".join(f"{each.name} by {each.channel}" for each in user.contact_methods)
        data = data | {"contact_methods": f"their own ({ways})"}
    if own.rules and not others.rules:
        data = data | {"rules": f"their own ({len(user.rules)})"}
    return data


def action(step: Step) -> str:
    match step:
        case Create():
            return "create"
        case Update():
            return "update"
        case Remove():
            return "remove"
        case _:
            assert_never(step)


def label(entry: Entry) -> str:
    """`service checkout`, `integration checkout/prometheus`."""
    return f"{kind_of(entry)} {slugs(entry)}".rstrip()


def slugs(entry: Entry) -> str:
    return "/".join(map(str, path_of(entry)[1::2]))


def total(plan: Plan) -> str:
    counts = [
        f"{sum(isinstance(step, kind) for step in plan.steps)} to {verb}"
        for kind, verb in ((Create, "create"), (Update, "change"), (Remove, "remove"))
    ]
    return f"{', '.join(counts)}."


def much(plan: Plan) -> str:
    return (
        f"It removes {plan.removed} of {plan.before} entries, more than a fifth: is this the "
        "whole configuration?"
    )


def sharing(plan: Plan) -> Iterator[str]:
    """A file that names somebody by another key does not replace them."""
    for first, second in mailboxes.sharing(plan.desired.configuration.users.values()):
        yield f"{mailboxes.sentence(first, second)} Remove one, or give each their own."


def used(silenced: Silenced) -> str:
    return f"key {silenced.key.name!r}, used on {silenced.key.used_on}"


def data(plan: Plan, where: str) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "deployment": where,
        "revision": plan.seen.revision,
        "changes": [
            {
                "action": action(step),
                "kind": kind_of(step.entry).value,
                "path": dotted(path_of(step.entry)),
                "before": None if isinstance(step, Create) else fields(_before(step)),
                "after": None if isinstance(step, Remove) else fields(step.entry),
            }
            for step in plan.steps
        ],
        "silenced": [
            {
                "path": dotted(path_of(each.entry)),
                "key": each.key.id,
                "usedOn": None if each.key.used_on is None else each.key.used_on.isoformat(),
            }
            for each in plan.silenced
        ],
        "needsForce": plan.needs_force,
        "listed": [dotted(path_of(entry)) for entry in plan.seen.unlisted],
        "left": [
            {"path": dotted(path_of(each.entry)), "incident": each.incident_id}
            for each in plan.desired.kept
        ],
    }


def _before(step: Update | Remove) -> Entry:
    return step.before if isinstance(step, Update) else step.entry
