"""The configuration, plans and problems as answers."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, assert_never

from opsknight.config.configuration import Configuration, Entry, key_of, kind_of, path_of
from opsknight.config.diff import Create, Remove, Step, Update
from opsknight.config.finding import Severity
from opsknight.config.ownership import Owner, Revision
from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.mirror import Mirror
from opsknight.directory.presets import Preset
from opsknight.directory.receivers import Channel, Receiver, ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.policy import Policy
from opsknight.files.describing import described, fields
from opsknight.files.plan_words import action, changes, differences, label, much, sharing, used
from opsknight.files.problems import Problem, counted, dotted
from opsknight.files.wording import capital
from opsknight.files.writing import block, inline, written
from opsknight.health import shadows
from opsknight.oncall.schedules import Schedule
from opsknight.store.plans import Plan
from opsknight.views import configuration_models as models
from opsknight.views.directory_answers import masked
from opsknight.views.wire import to_json

# Whoever may not apply a text sees this instead of any place that they could write to (ADR 79,
# 81).
HIDDEN: Final = "…"
# Together far below the 6 MB that a Lambda function may answer, even if each character is escaped.
MOST_PROBLEMS: Final = 250
LONGEST_PATH: Final = 300
LONGEST_MESSAGE: Final = 1_000


def text(configuration: Configuration, *, whole: bool) -> str:
    """YAML; with all addresses, numbers and URLs of receivers where it is `whole`."""
    if not whole:
        configuration = Configuration.of(map(_masked, configuration.entries()))
    return written(described(configuration))


def part(configuration: Configuration, path: str) -> list[Entry]:
    """What stands at the path, and all that stands below it."""
    return [
        each
        for each in configuration.entries()
        if f"{dotted(path_of(each))}.".startswith(f"{path}.")
    ]


def _masked(entry: Entry) -> Entry:
    match entry:
        case User():
            methods = _all_hidden(entry.contact_methods)
            email = masked(Channel.EMAIL, entry.email)
            return entry.model_copy(update={"email": email, "contact_methods": methods})
        case Schedule(channel=Receiver() as channel):
            return entry.model_copy(update={"channel": _hidden(channel)})
        case Service(mirror=Mirror(url=str(url)) as mirror):
            hidden = mirror.model_copy(update={"url": _host(url)})
            return entry.model_copy(update={"mirror": hidden})
        case ServiceReceiver():
            return _hidden(entry)
        case StatusPage():
            return entry.model_copy(update={"webhooks": _all_hidden(entry.webhooks)})
        case DailyReport():
            return entry.model_copy(update={"receivers": _all_hidden(entry.receivers)})
        case Schedule() | Service() | Team() | Policy() | Integration() | Preset() | AwsRules():
            return entry
        case _:
            assert_never(entry)


def _all_hidden[R: Receiver](receivers: Iterable[R]) -> tuple[R, ...]:
    return tuple(map(_hidden, receivers))


def _hidden[R: Receiver](receiver: R) -> R:
    if not receiver.to:
        return receiver
    if receiver.channel in (Channel.WEBHOOK, Channel.NTFY):
        shown = _host(receiver.to)
    else:
        shown = masked(receiver.channel, receiver.to) or HIDDEN
    return receiver.model_copy(update={"to": shown})


def _host(url: str) -> str:
    """What stands behind the host may be all that somebody needs to post there."""
    scheme, parted, rest = url.partition("://")
    if not parted:
        return HIDDEN
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}/{HIDDEN}"


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


def problems(found: Sequence[Problem]) -> list[models.ProblemAnswer]:
    """At most MOST_PROBLEMS, errors before warnings; then one more says how many there are."""
    listed = found
    if len(found) > MOST_PROBLEMS:
        worst = sorted(found, key=lambda each: each.severity is not Severity.ERROR)
        listed, left = (
            sorted(worst[:MOST_PROBLEMS], key=lambda each: each.place),
            worst[MOST_PROBLEMS:],
        )
        said = f"{counted(len(left), 'more problem')}, not listed here: mend these first."
        listed.append(Problem(left[0].severity, listed[-1].place, (), said))
    return [
        models.ProblemAnswer(
            severity=each.severity.value,
            line=each.place.line,
            column=each.place.column,
            path=shortened(each.dotted, LONGEST_PATH),
            message=shortened(each.sentence),
        )
        for each in listed
    ]


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Somebody's own words may be in it, and as long as all that they sent."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def digest(plan: Plan, *, whole: bool) -> str:
    """The digest covers a plan's changes as its reader sees them, so that nobody can find a hidden
    number by trying until the digest fits. Whoever applies a plan has seen the whole of it.
    """
    shown = [to_json(each) for each in planned(plan, whole=whole)]
    return sha256(json.dumps([plan.seen.revision, shown]).encode()).hexdigest()


def planned(plan: Plan, *, whole: bool) -> list[models.PlannedChange]:
    """With addresses, numbers and URLs as `text` has them. Where it is not `whole`, what looks the
    same there is the same here: else whoever guesses would read when they are right.
    """
    shown = plan.steps if whole else map(_as_seen, plan.steps)
    return [_change(each, plan) for each in shown if each is not None]


def _as_seen(step: Step) -> Step | None:
    """The step between two masked entries, if there is one."""
    match step:
        case Create(entry):
            return Create(_masked(entry))
        case Update(before, entry):
            seen = Update(_masked(before), _masked(entry))
            return None if seen.before == seen.entry else seen
        case Remove(entry):
            return Remove(_masked(entry))
        case _:
            assert_never(step)


def _change(step: Step, plan: Plan) -> models.PlannedChange:
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


def hidden(plan: Plan) -> list[str]:
    """The places of the text in which a masked plan shows no difference, whether there is one or
    not.
    """
    kept = {path_of(each.entry) for each in plan.desired.kept}
    before = {path_of(each): _masked(each) for each in plan.seen.configuration.entries()}
    found = []
    for entry in plan.desired.configuration.entries():
        path, masked = path_of(entry), _masked(entry)
        if path in kept or path not in before:
            continue
        shown = {each.path for each in changes(before[path], masked)}
        places = (each.path for each in differences(fields(entry), fields(masked)))
        found += [dotted((*path, *place)) for place in places if place not in shown]
    return found


def harm(plan: Plan) -> Iterator[str]:
    """What needs `force`."""
    for each in plan.silenced:
        yield f"{capital(label(each.entry))} would fall silent: {used(each)}, would stop working."
    if plan.removes_much:
        yield much(plan)


def dangers(plan: Plan, now: datetime, *, whole: bool) -> Iterator[str]:
    yield from harm(plan)
    if whole:
        # It says whether somebody has an address that the text gives to another.
        yield from sharing(plan)
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
