"""From the shapes of a file to configuration entries: names become ids, times become instants."""

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from opsknight.config.configuration import PREFIX, Entry, Kind, id_of
from opsknight.directory.entries import (
    Member,
    Remind,
    Service,
    ShiftNotice,
    Team,
    User,
)
from opsknight.directory.receivers import NotificationRule, Receiver, ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import PublicPage, StatusPage, StatusPageWebhook
from opsknight.directory.support_hours import SupportHours
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.files.aws_shape import AwsShape, aws_rules
from opsknight.files.hours import HoursShape
from opsknight.files.integration_shape import integration
from opsknight.files.method_shape import MethodShape
from opsknight.files.mirror_shape import mirror
from opsknight.files.policy_shape import PolicyShape, TargetShape
from opsknight.files.preset_shape import PresetShape, preset
from opsknight.files.public_shape import PublicShape
from opsknight.files.report_shape import ReportShape
from opsknight.files.shape import (
    LayerShape,
    ScheduleShape,
    ServiceShape,
    StatusPageShape,
    TeamShape,
    UserShape,
)
from opsknight.files.values import Shape
from opsknight.incident.model import Urgency
from opsknight.oncall.hours import WeeklyHours
from opsknight.oncall.rotations import Layer
from opsknight.oncall.schedules import Schedule
from opsknight.oncall.wall_clock import Restriction, instant_of

METHOD: Final = "cm"
LAYER: Final = "layer"
HOOK: Final = "hook"
CHANNEL: Final = "sch"
UTC: Final = ZoneInfo("UTC")


def compiled(name: str, shape: Shape) -> list[Entry]:
    """The entry, with its integrations and receivers. Raises ValueError with a sentence."""
    match shape:
        case UserShape():
            return [_user(name, shape)]
        case TeamShape():
            members = (
                Member(user_id=id_of(Kind.USER, user), lead=each.lead, pages=each.pages)
                for user, each in shape.members.items()
            )
            return [
                Team(id=id_of(Kind.TEAM, name), name=shape.name or name, members=tuple(members))
            ]
        case ScheduleShape():
            zone = ZoneInfo(shape.zone)
            layers = (_layer(slug, each, zone) for slug, each in shape.layers.items())
            return [
                Schedule(
                    id=id_of(Kind.SCHEDULE, name),
                    name=shape.name or name,
                    zone=shape.zone,
                    layers=tuple(layers),
                    channel=None
                    if shape.channel is None
                    else _receiver(CHANNEL, "channel", shape.channel),
                )
            ]
        case PolicyShape():
            return [_policy(name, shape)]
        case ServiceShape():
            return _service(name, shape)
        case StatusPageShape():
            hooks = (
                StatusPageWebhook(**dict(_receiver(HOOK, slug, each)), events=each.events)
                for slug, each in shape.webhooks.items()
            )
            return [
                StatusPage(
                    id=id_of(Kind.STATUS_PAGE, name),
                    name=shape.name or name,
                    service_ids=tuple(id_of(Kind.SERVICE, each) for each in shape.services),
                    webhooks=tuple(hooks),
                    shows_details=shape.shows_details,
                    public=None if shape.public is None else _public(shape.public),
                )
            ]
        case ReportShape():
            return [
                DailyReport(
                    id=id_of(Kind.REPORT, name),
                    name=shape.name or name,
                    at=shape.at,
                    zone=shape.zone,
                    user_ids=tuple(id_of(Kind.USER, each) for each in shape.users),
                    receivers=tuple(
                        _receiver(PREFIX[Kind.RECEIVER], slug, each)
                        for slug, each in shape.receivers.items()
                    ),
                    quiet_days=shape.quiet_days,
                )
            ]
        case PresetShape():
            return [preset(name, shape)]
        case AwsShape():
            return [aws_rules(shape)]
        case _:
            raise TypeError(f"unknown shape {type(shape).__name__}")


def _public(shape: PublicShape) -> PublicPage:
    return PublicPage(
        names={id_of(Kind.SERVICE, each): name for each, name in sorted(shape.names.items())},
        automatic_after=shape.automatic,
    )


def _user(name: str, shape: UserShape) -> User:
    return User(
        id=id_of(Kind.USER, name),
        name=shape.name or name,
        email=shape.email,
        role=shape.role,
        disabled=shape.disabled,
        zone=shape.zone,
        contact_methods=tuple(
            _receiver(METHOD, slug, each) for slug, each in shape.contact_methods.items()
        ),
        rules=tuple(
            NotificationRule(urgency=urgency, method_id=f"{METHOD}_{rule.method}", delay=rule.after)
            # Always in this order: only the order of rules within one urgency matters.
            for urgency in Urgency
            for rule in shape.rules.get(urgency, ())
        ),
        # Always in this order: only what it holds matters.
        shift_notices=tuple(each for each in ShiftNotice if each in shape.shift_notices),
        quiet_hours=None
        if shape.quiet_hours is None
        else WeeklyHours(
            zone=shape.quiet_hours.zone or shape.zone or "UTC",
            times=_restrictions(shape.quiet_hours.times),
        ),
    )


def _layer(slug: str, shape: LayerShape, zone: ZoneInfo) -> Layer:
    return Layer(
        id=f"{LAYER}_{slug}",
        name=shape.name or slug,
        users=tuple(id_of(Kind.USER, user) for user in shape.users),
        length=shape.turn,
        handoff=shape.handoff,
        start=_instant(shape.start, shape.handoff, zone),
        end=None if shape.end is None else _instant(shape.end, shape.handoff, zone),
        restrictions=_restrictions(shape.restrictions),
        priority=shape.priority,
    )


def _instant(moment: date | datetime, handoff: time, zone: ZoneInfo) -> datetime:
    match moment:
        case datetime(tzinfo=None):
            return instant_of(zone, moment)
        case datetime():
            return moment
        case date():
            return instant_of(zone, datetime.combine(moment, handoff))
        case _:
            assert_never(moment)


def _policy(name: str, shape: PolicyShape) -> Policy:
    return Policy(
        id=id_of(Kind.POLICY, name),
        name=shape.name or name,
        version=1,
        steps=tuple(
            Step(delay=step.after, targets=tuple(map(_target, step.targets)))
            for step in shape.steps
        ),
        repeat=shape.repeat,
        repeat_after=shape.repeat_after,
    )


def _target(shape: TargetShape) -> Target:
    [(kind, name)] = shape.model_dump(exclude_unset=True).items()
    kinds = {
        TargetKind.USER: Kind.USER,
        TargetKind.TEAM: Kind.TEAM,
        TargetKind.TEAM_LEADS: Kind.TEAM,
        TargetKind.SCHEDULE: Kind.SCHEDULE,
    }
    return Target(kind=TargetKind(kind), id=id_of(kinds[TargetKind(kind)], name))


def _service(name: str, shape: ServiceShape) -> list[Entry]:
    service = Service(
        id=id_of(Kind.SERVICE, name),
        name=shape.name or name,
        team_id=id_of(Kind.TEAM, shape.team),
        policy_id=None if shape.policy is None else id_of(Kind.POLICY, shape.policy),
        acknowledgement_timeout=shape.acknowledgement_timeout,
        auto_resolve=shape.auto_resolve,
        remind=Remind(**{urgency.lower(): every for urgency, every in shape.remind.items()}),
        runbook=shape.runbook,
        dashboard=shape.dashboard,
        support_hours=None
        if shape.support_hours is None
        else SupportHours(
            zone=shape.support_hours.zone,
            times=_restrictions(shape.support_hours.times),
            # Always in this order: only what it says matters.
            outside={
                each: shape.support_hours.outside[each]
                for each in Urgency
                if each in shape.support_hours.outside
            },
        ),
        raises_urgency=shape.raises_urgency,
        disabled=shape.disabled,
        mirror=mirror(shape.mirror),
        shadow_until=None if shape.until is None else _instant(shape.until, time(), UTC),
    )
    return [
        service,
        *(integration(service.id, slug, each) for slug, each in shape.integrations.items()),
        *(
            ServiceReceiver(
                **dict(_receiver(PREFIX[Kind.RECEIVER], slug, each)),
                service_id=service.id,
                events=each.told,
            )
            for slug, each in shape.receivers.items()
        ),
    ]


def _restrictions(shapes: Iterable[HoursShape]) -> tuple[Restriction, ...]:
    return tuple(Restriction(**dict(each)) for each in shapes)


def _receiver(prefix: str, slug: str, shape: MethodShape) -> Receiver:
    return Receiver(
        id=f"{prefix}_{slug}",
        name=shape.name or slug,
        channel=shape.channel,
        to=shape.to or "",
        secret=shape.secret,
        next_secret=shape.next_secret,
        login=shape.known_by,
    )
