"""A plan on the screen, and as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, assert_never

from rich.text import Text

from opsknight.config.configuration import Entry, Kind, Path, key_of, kind_of, path_of, slug_of
from opsknight.config.diff import Create, Remove, Step, Update
from opsknight.directory.entries import Integration, Service, User
from opsknight.directory.receivers import ServiceReceiver
from opsknight_cli.configuration.loading import counted
from opsknight_cli.configuration.plan import Plan, Silenced
from opsknight_cli.files.describing import fields
from opsknight_cli.files.problems import dotted
from opsknight_cli.files.writing import block, inline
from opsknight_cli.terminal.screen import Screen

_SIGNS: Final = {"create": ("+", "green"), "update": ("~", "yellow"), "remove": ("-", "red")}


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


def show(plan: Plan, screen: Screen, where: str, *, prune: bool) -> None:
    revision = plan.seen.revision
    if plan.is_empty:
        screen.say(f"No changes: {where} is as the file says (revision {revision}).", "green")
        _show_kept(plan, screen, prune=prune)
        return
    screen.say(f"Plan for {where}, from revision {revision}:", "bold")
    above: type[Step] | None = None
    for step in plan.steps:
        # Removals take one line each, so they stand together.
        if not (isinstance(step, Remove) and above is Remove):
            screen.say()
        above = type(step)
        _show(step, plan, screen)
    for entry in plan.seen.unlisted:
        if not any(step.entry.id == entry.id for step in plan.steps):
            screen.say()
            screen.say(f"  {_label(entry)} already exists; from now on the file defines it.")
    _show_kept(plan, screen, prune=prune)
    if plan.silenced:
        screen.say()
        screen.say("These fall silent, because a key in use stops working:", "bold red")
        for each in plan.silenced:
            screen.hanging(Text(f"    {_label(each.entry)}: {_used(each)}", "red"), 0, 8)
    screen.say()
    screen.say(_sum(plan), "bold")
    if plan.removes_much:
        screen.say(_much(plan), "bold red")
    if plan.needs_force:
        screen.say("`opsknight apply` needs --force for this.", "red")


def objection(plan: Plan) -> str:
    """Why a plan that needs it is not applied without --force."""
    said = []
    if plan.silenced:
        keys = [f"{_label(each.entry)}, {_used(each)}" for each in plan.silenced]
        said.append(
            f"This would silence {counted(len(keys), 'key')} in use: {'; '.join(keys)}. What is "
            "sent with such a key would be refused. Give its sender another key first "
            "(`opsknight keys create`)."
        )
    if plan.removes_much:
        said.append(_much(plan))
    return f"{' '.join(said)} Give --force to apply it nevertheless."


def _much(plan: Plan) -> str:
    return (
        f"It removes {plan.removed} of {plan.before} entries, more than a fifth: is this the "
        "whole configuration?"
    )


def _used(silenced: Silenced) -> str:
    return f"key {silenced.key.name!r}, used on {silenced.key.used_on}"


def _sum(plan: Plan) -> str:
    counts = [
        f"{sum(isinstance(step, kind) for step in plan.steps)} to {verb}"
        for kind, verb in ((Create, "create"), (Update, "change"), (Remove, "remove"))
    ]
    return f"{', '.join(counts)}."


def _show(step: Step, plan: Plan, screen: Screen) -> None:
    sign, colour = _SIGNS[_action(step)]
    head = Text.assemble((f"  {sign} ", f"bold {colour}"), (_label(step.entry), "bold"))
    match step:
        case Create(entry):
            content = fields(entry)
            if isinstance(content, str):
                head.append(f"  {inline(content)}", colour)
                content = {}
            screen.hanging(head, 0, 6)
            for line in block(content).splitlines() if content else ():
                inset = len(line) - len(line.lstrip())
                screen.hanging(Text(f"      {line}", colour), 0, 8 + inset)
        case Update(before, entry):
            screen.hanging(head, 0, 6)
            for each in _changes(before, entry):
                _show_difference(each, screen)
        case Remove(entry):
            keys = len(plan.ended.get(key_of(entry), ()))
            if keys:
                head.append(f"  {keys} live key{'' if keys == 1 else 's'} will stop working")
            screen.hanging(head, 0, 6)
        case _:
            assert_never(step)


def _changes(before: Entry, after: Entry) -> Iterator[Difference]:
    was, is_now = fields(before), fields(after)
    if isinstance(after, Integration):
        # One without settings is only a name.
        was, is_now = ({"name": each} if isinstance(each, str) else each for each in (was, is_now))
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


def _show_difference(each: Difference, screen: Screen) -> None:
    path = dotted(each.path).replace(".(", " (")
    if each.before is None and isinstance(each.after, dict | list):
        lines = block(each.after).splitlines()
        head = Text.assemble(("    + ", "green"), path)
        if len(lines) == 1:
            # A member without settings is `{}`: the name says it all.
            head.append(f": {lines[0]}" if each.after else "", "green")
            lines = []
        else:
            head.append(":")
        screen.hanging(head, 0, 8)
        for text in lines:
            screen.hanging(Text(f"        {text}", "green"), 0, 10)
        return
    line = Text()
    if each.before is None:
        line = Text.assemble(("    + ", "green"), f"{path}: ", (inline(each.after), "green"))
    elif each.after is None:
        was = "" if each.before == {} else f": {inline(each.before)}"
        line = Text.assemble(("    - ", "red"), path, (was, "red"))
    else:
        line = Text.assemble(
            ("    ~ ", "yellow"),
            f"{path}: ",
            (inline(each.before), "red"),
            " \N{RIGHTWARDS ARROW} ",
            (inline(each.after), "green"),
        )
    screen.hanging(line, 0, 8)


def _show_kept(plan: Plan, screen: Screen, *, prune: bool) -> None:
    by_reason: dict[str, dict[Kind, list[str]]] = {}
    services = {each.entry.id for each in plan.desired.kept}
    for kept in plan.desired.kept:
        entry = kept.entry
        if isinstance(entry, Integration | ServiceReceiver) and entry.service_id in services:
            # Its service is in this list already.
            continue
        reason = kept.incident_id or ""
        by_reason.setdefault(reason, {}).setdefault(kind_of(entry), []).append(_slugs(entry))
    for incident_id, kinds in by_reason.items():
        heading = f"Not in the file, but the active incident {incident_id} needs it:"
        if not prune:
            heading = "Not in the file, and kept (--prune removes it):"
        screen.say()
        screen.say(heading)
        rows = [(f"{kind}", ", ".join(names)) for kind, names in kinds.items()]
        width = max(len(kind) for kind, _ in rows)
        for kind, names in rows:
            screen.hanging(Text(f"    {kind:<{width}}  {names}"), 0, width + 6)


def _action(step: Step) -> str:
    match step:
        case Create():
            return "create"
        case Update():
            return "update"
        case Remove():
            return "remove"
        case _:
            assert_never(step)


def _label(entry: Entry) -> str:
    """`service checkout`, `integration checkout/prometheus`."""
    return f"{kind_of(entry)} {_slugs(entry)}".rstrip()


def _slugs(entry: Entry) -> str:
    return "/".join(map(str, path_of(entry)[1::2]))


def data(plan: Plan, where: str) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "deployment": where,
        "revision": plan.seen.revision,
        "changes": [
            {
                "action": _action(step),
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
