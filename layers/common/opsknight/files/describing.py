"""A configuration as the data of a file: `export` writes it, and a plan compares it.

Defaults are left out and the order is fixed, so equal configurations become the same text.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final, assert_never
from zoneinfo import ZoneInfo

from opsknight.config.configuration import Configuration, Entry, path_of, slug_of
from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import (
    DEFAULT_REMIND,
    Never,
    Remind,
    Service,
    ShiftNotice,
    Team,
    User,
)
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.directory.receivers import DEFAULT_EVENTS, Own, Receiver, ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import (
    PublicPage,
    StatusPage,
    StatusPageEvent,
    StatusPageWebhook,
)
from opsknight.directory.support_hours import DEFAULT_OUTSIDE, SupportHours
from opsknight.escalation.policy import Policy, Step
from opsknight.files.aws_shape import described_rules
from opsknight.files.integration_shape import described_integration
from opsknight.files.login_shape import described_login
from opsknight.files.mirror_shape import described_mirror
from opsknight.files.preset_shape import described_preset
from opsknight.files.sections import SECTIONS, Mode
from opsknight.files.values import turn_in_words
from opsknight.oncall.hours import WeeklyHours
from opsknight.oncall.rotations import Layer
from opsknight.oncall.schedules import Schedule
from opsknight.oncall.wall_clock import Restriction, Weekday, instant_of
from opsknight.views.lengths import in_words

type Data = dict[str, Any]

_UTC: Final = ZoneInfo("UTC")


class Quoted(str):
    """Text that is written in quotes even where YAML needs none: wall-clock times."""

    __slots__ = ()


def described(configuration: Configuration) -> Data:
    """The whole configuration, by section."""
    document: Data = {section: {} for section in SECTIONS}
    for entry in configuration.entries():
        # Paths of entries have no numbers.
        *above, last = map(str, path_of(entry))
        place: Data = document
        for part in above:
            place = place.setdefault(part, {})
        place[last] = fields(entry)
    return {section: content for section, content in document.items() if content}


def fields(entry: Entry) -> Data | str:
    match entry:
        case User():
            return _user(entry)
        case Team():
            members = {
                slug_of(each.user_id): _given(
                    {"lead": each.lead or None, "pages": each.pages and None}
                )
                for each in entry.members
            }
            return _given({"name": _name(entry), "members": members})
        case Schedule():
            zone = ZoneInfo(entry.zone)
            layers = {slug_of(each.id): _layer(each, zone) for each in entry.layers}
            channel = entry.channel and _place(entry.channel)
            return _given(
                {"name": _name(entry), "zone": entry.zone, "layers": layers, "channel": channel}
            )
        case Policy():
            return _given(
                {
                    "name": _name(entry),
                    "steps": [_step(each) for each in entry.steps],
                    "repeat": entry.repeat or None,
                    "repeat_after": entry.repeat_after and in_words(entry.repeat_after),
                }
            )
        case Service():
            return _given(
                {
                    "name": _name(entry),
                    "team": slug_of(entry.team_id),
                    "policy": entry.policy_id and slug_of(entry.policy_id),
                    "acknowledgement_timeout": entry.acknowledgement_timeout
                    and in_words(entry.acknowledgement_timeout),
                    "auto_resolve": entry.auto_resolve and in_words(entry.auto_resolve),
                    "remind": _remind(entry.remind),
                    "runbook": entry.runbook,
                    "dashboard": entry.dashboard,
                    "support_hours": entry.support_hours and _support(entry.support_hours),
                    "mode": entry.shadow_until and Mode.SHADOW.value,
                    "until": entry.shadow_until and _moment(entry.shadow_until, time(), _UTC),
                    "mirror": described_mirror(entry.mirror),
                    "raises_urgency": entry.raises_urgency or None,
                    "disabled": entry.disabled or None,
                }
            )
        case Integration():
            return described_integration(entry)
        case DailyReport():
            return _given(
                {
                    "name": _name(entry),
                    "at": _clock(entry.at),
                    "zone": entry.zone,
                    "users": [slug_of(each) for each in entry.user_ids] or None,
                    "receivers": {slug_of(each.id): _place(each) for each in entry.receivers}
                    or None,
                    "quiet_days": entry.quiet_days or None,
                }
            )
        case Preset():
            return _given({"name": _name(entry)}) | described_preset(entry)
        case AwsRules():
            return described_rules(entry)
        case ServiceReceiver():
            events = None
            if entry.events != DEFAULT_EVENTS:
                events = [each.value for each in entry.events]
            return _place(entry) | _given({"told": events})
        case StatusPage():
            return _given(
                {
                    "name": _name(entry),
                    "services": [slug_of(each) for each in entry.service_ids] or None,
                    "webhooks": {slug_of(each.id): _hook(each) for each in entry.webhooks} or None,
                    "shows_details": entry.shows_details or None,
                    "public": None if entry.public is None else _public(entry.public),
                }
            )
        case _:
            assert_never(entry)


def _remind(remind: Remind) -> Data | None:
    """What differs from the default."""
    default = dict(DEFAULT_REMIND)
    return {
        name.upper(): every.value if isinstance(every, Never) else in_words(every)
        for name, every in remind
        if every != default[name]
    } or None


def _support(hours: SupportHours) -> Data:
    outside = {name.value: less.value for name, less in hours.outside.items()}
    return _weekly(hours) | _given(
        {"outside": None if hours.outside == DEFAULT_OUTSIDE else outside}
    )


def _quiet(hours: WeeklyHours, zone: str) -> Data:
    return _given(_weekly(hours) | {"zone": None if hours.zone == zone else hours.zone})


def _weekly(hours: WeeklyHours) -> Data:
    return {"zone": hours.zone, "times": [_hours(each) for each in hours.times]}


def _user(user: User) -> Data:
    """Without what is the person's own: no file names it, so `apply` leaves it alone."""
    own = user.own or Own()
    rules: Data = {}
    for rule in () if own.rules else user.rules:
        written = {"method": slug_of(rule.method_id)}
        if rule.delay:
            written["after"] = in_words(rule.delay)
        rules.setdefault(rule.urgency.value, []).append(written)
    return _given(
        {
            "name": _name(user),
            "email": user.email,
            "role": user.role.value,
            "zone": user.zone,
            "disabled": user.disabled or None,
            "contact_methods": None
            if own.contact_methods
            else {slug_of(each.id): _place(each) for each in user.contact_methods} or None,
            "rules": rules or None,
            "shift_notices": None
            if user.shift_notices == tuple(ShiftNotice)
            else [each.value for each in user.shift_notices],
            "quiet_hours": user.quiet_hours and _quiet(user.quiet_hours, user.zone or "UTC"),
        }
    )


def _layer(layer: Layer, zone: ZoneInfo) -> Data:
    return _given(
        {
            "name": _name(layer),
            "users": [slug_of(each) for each in layer.users],
            "turn": turn_in_words(layer.length),
            "handoff": _clock(layer.handoff),
            "start": _moment(layer.start, layer.handoff, zone),
            "end": layer.end and _moment(layer.end, layer.handoff, zone),
            "restrictions": [_hours(each) for each in layer.restrictions] or None,
            "priority": layer.priority or None,
        }
    )


def _moment(at: datetime, handoff: time, zone: ZoneInfo) -> str:
    """The shortest text for exactly this instant."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    if instant_of(zone, datetime.combine(wall, handoff)) == at:
        return wall.date().isoformat()
    if instant_of(zone, wall.replace(fold=0)) == at:
        fine = "auto" if wall.second or wall.microsecond else "minutes"
        return Quoted(wall.isoformat(sep=" ", timespec=fine))
    return Quoted(at.astimezone(UTC).isoformat())


def _hours(restriction: Restriction) -> Data:
    days = [each.value for each in restriction.days]
    return _given(
        {
            "days": None if restriction.days == tuple(Weekday) else days,
            "start": _clock(restriction.start),
            "end": _clock(restriction.end),
            "end_day": restriction.end_day and restriction.end_day.value,
        }
    )


def _clock(at: time) -> Quoted:
    return Quoted(at.isoformat(timespec="minutes"))


def _step(step: Step) -> Data:
    targets = [{each.kind.value: slug_of(each.id)} for each in step.targets]
    return _given({"after": in_words(step.delay) if step.delay else None, "targets": targets})


def _hook(hook: StatusPageWebhook) -> Data:
    events = None if hook.events == tuple(StatusPageEvent) else [each.value for each in hook.events]
    return _place(hook) | _given({"events": events})


def _public(public: PublicPage) -> Data:
    names = {slug_of(each): name for each, name in public.names.items()}
    after = public.automatic_after
    return _given({"names": names or None, "automatic": after and in_words(after)})


def _place(receiver: Receiver) -> Data:
    return _given(
        {
            "name": _name(receiver),
            "channel": receiver.channel.value,
            "to": receiver.to or None,
            "secret": receiver.secret,
            "next_secret": receiver.next_secret,
            "login": described_login(receiver.login),
        }
    )


def _name(entry: Any) -> str | None:
    """None if it equals the key."""
    return None if entry.name == slug_of(entry.id) else str(entry.name)


def _given(values: Mapping[str, Any]) -> Data:
    return {name: value for name, value in values.items() if value is not None}
