"""A plan on the screen, and as JSON."""

from typing import Final, assert_never

from rich.text import Text

from opsknight.config.configuration import Kind, key_of, kind_of
from opsknight.config.diff import Create, Remove, Step, Update
from opsknight.config.ownership import Owner
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import ServiceReceiver
from opsknight.files.describing import fields
from opsknight.files.plan_words import (
    Difference,
    action,
    changes,
    label,
    much,
    sharing,
    slugs,
    total,
    used,
)
from opsknight.files.problems import counted, dotted
from opsknight.files.writing import block, inline
from opsknight.store.plans import Plan
from opsknight_cli.terminal.screen import Screen

_SIGNS: Final = {"create": ("+", "green"), "update": ("~", "yellow"), "remove": ("-", "red")}


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
            screen.say(f"  {label(entry)} already exists; from now on the file defines it.")
    _show_kept(plan, screen, prune=prune)
    if plan.silenced:
        screen.say()
        screen.say("These fall silent, because a key in use stops working:", "bold red")
        for each in plan.silenced:
            screen.hanging(Text(f"    {label(each.entry)}: {used(each)}", "red"), 0, 8)
    for sentence in sharing(plan):
        screen.say()
        screen.say(sentence, "bold red")
    screen.say()
    screen.say(total(plan), "bold")
    if plan.removes_much:
        screen.say(much(plan), "bold red")
    if plan.needs_force:
        screen.say("`opsknight apply` needs --force for this.", "red")


def owned_elsewhere(owner: Owner, where: str) -> str:
    """Why a file is not applied to a deployment that the console owns."""
    last = f" {owner.who} applied it there last" if owner.who else " It was applied there last"
    if owner.at is not None:
        last += f", on {owner.at:%a %d %b %Y at %H:%M} UTC"
    return (
        f"The {owner.by} owns the configuration of {where}, so this file does not change it.{last}."
        " Take what it has with `opsknight export`, then give --take-over: from then on the file"
        " owns it, and the console applies nothing."
    )


def objection(plan: Plan) -> str:
    """Why a plan that needs it is not applied without --force."""
    said = []
    if plan.silenced:
        keys = [f"{label(each.entry)}, {used(each)}" for each in plan.silenced]
        said.append(
            f"This would silence {counted(len(keys), 'key')} in use: {'; '.join(keys)}. What is "
            "sent with such a key would be refused. Give its sender another key first "
            "(`opsknight keys create`)."
        )
    if plan.removes_much:
        said.append(much(plan))
    return f"{' '.join(said)} Give --force to apply it nevertheless."


def _show(step: Step, plan: Plan, screen: Screen) -> None:
    sign, colour = _SIGNS[action(step)]
    head = Text.assemble((f"  {sign} ", f"bold {colour}"), (label(step.entry), "bold"))
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
            for each in changes(before, entry):
                _show_difference(each, screen)
        case Remove(entry):
            keys = len(plan.ended.get(key_of(entry), ()))
            if keys:
                head.append(f"  {keys} live key{'' if keys == 1 else 's'} will stop working")
            screen.hanging(head, 0, 6)
        case _:
            assert_never(step)


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
        by_reason.setdefault(reason, {}).setdefault(kind_of(entry), []).append(slugs(entry))
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
