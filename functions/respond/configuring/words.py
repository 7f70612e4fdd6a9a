"""The configuration, plans and problems as answers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from opsknight.config.configuration import Configuration, key_of, kind_of, path_of
from opsknight.config.diff import Create, Step, Update
from opsknight.config.ownership import Owner, Revision
from opsknight.directory.entries import User
from opsknight.files.describing import described, fields
from opsknight.files.plan_words import action, changes, label, much, used
from opsknight.files.problems import Problem, dotted
from opsknight.files.wording import capital
from opsknight.files.writing import block, inline, written
from opsknight.health import shadows
from opsknight.store.plans import Plan
from opsknight.views import configuration_models as models
from opsknight.views.directory_answers import masked

# For whom a text is that may not be applied: others are not told people's addresses (ADR 79).
HIDDEN: Final = "…"


def text(configuration: Configuration, *, whole: bool) -> str:
    """YAML; with people's addresses where it is `whole`."""
    if not whole:
        entries = (_masked(it) if isinstance(it, User) else it for it in configuration.entries())
        configuration = Configuration.of(entries)
    return written(described(configuration))


def _masked(user: User) -> User:
    methods = tuple(
        each.model_copy(update={"to": masked(each.channel, each.to) or HIDDEN})
        for each in user.contact_methods
    )
    return user.model_copy(update={"contact_methods": methods})


def owner(found: Owner | None) -> models.OwnerAnswer | None:
    if found is None:
        return None
    return models.OwnerAnswer(
        by=found.by, who=found.who, at=found.at, revision=found.revision, source=found.source
    )


def revision(found: Revision) -> models.RevisionAnswer:
    return models.RevisionAnswer(
        revision=found.number,
        at=found.at,
        by=found.by,
        who=found.who,
        source=found.source,
        took_over=bool(found.took_over),
        changes=[
            models.RevisionChange(action=each.action, kind=each.kind, path=each.path)
            for each in found.changes
        ],
    )


def problems(found: Iterable[Problem]) -> list[models.ProblemAnswer]:
    return [
        models.ProblemAnswer(
            severity=each.severity.value,
            line=each.place.line,
            column=each.place.column,
            path=each.dotted,
            message=each.sentence,
        )
        for each in found
    ]


def change(step: Step, plan: Plan) -> models.PlannedChange:
    entry = step.entry
    return models.PlannedChange(
        action=action(step),
        kind=kind_of(entry).value,
        path=dotted(path_of(entry)),
        text=_yaml(fields(entry)) if isinstance(step, Create) else None,
        differences=[
            models.DifferenceAnswer(
                path=dotted(each.path), before=_shown(each.before), after=_shown(each.after)
            )
            for each in (changes(step.before, entry) if isinstance(step, Update) else ())
        ],
        ends_keys=len(plan.ended.get(key_of(entry), ())),
    )


def harm(plan: Plan) -> Iterator[str]:
    """What needs `force`."""
    for each in plan.silenced:
        yield f"{capital(label(each.entry))} would fall silent: {used(each)}, would stop working."
    if plan.removes_much:
        yield much(plan)


def dangers(plan: Plan, now: datetime) -> Iterator[str]:
    yield from harm(plan)
    services = plan.desired.configuration.services.values()
    if found := shadows.in_shadow(services, now):
        yield shadows.sentence(found)


def left(plan: Plan) -> Iterator[models.LeftAnswer]:
    for each in plan.desired.kept:
        path = dotted(path_of(each.entry))
        yield models.LeftAnswer(path=path, incident_id=each.incident_id)


def _yaml(data: object) -> str:
    return inline(data) if isinstance(data, str) else block(data)


def _shown(value: object) -> str | None:
    return None if value is None else _yaml(value) if isinstance(value, dict) else inline(value)
