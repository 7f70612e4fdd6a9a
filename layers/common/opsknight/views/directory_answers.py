"""Fills the answers about people, teams and policies. Their shapes are in `directory_models`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from opsknight.config.configuration import slug_of
from opsknight.config.last_apply import METHODS, RULES, FilePlace, LastApply
from opsknight.directory import profile
from opsknight.directory.entries import Team, User
from opsknight.directory.profile import MOST_METHODS, MOST_RULES, Refusal
from opsknight.directory.receivers import (
    Channel,
    NotificationRule,
    Receiver,
    Unconfirmed,
    masked_number,
)
from opsknight.escalation.policy import Policy
from opsknight.notification import codes
from opsknight.notification.delivery import Delivery
from opsknight.views import directory_models as models
from opsknight.views.names import Names


def user(each: User) -> models.UserAnswer:
    return models.UserAnswer(
        id=each.id,
        name=each.name,
        role=each.role,
        disabled=each.disabled,
        zone=each.zone,
        team_ids=each.team_ids,
    )


def user_details(each: User) -> models.UserDetails:
    return models.UserDetails(
        id=each.id,
        name=each.name,
        role=each.role,
        disabled=each.disabled,
        zone=each.zone,
        team_ids=each.team_ids,
        contact_methods=[method(one, masked(one.channel, one.to)) for one in each.contact_methods],
    )


def me(
    each: User,
    teams: Iterable[Team],
    scopes: Sequence[str],
    confirmed: Mapping[str, datetime],
    now: datetime,
    last_apply: LastApply | None,
) -> models.MeAnswer:
    """`confirmed`: when each contact method was last shown to reach them, by its id."""
    return models.MeAnswer(
        id=each.id,
        name=each.name,
        email=each.email,
        role=each.role,
        disabled=each.disabled,
        zone=each.zone,
        team_ids=each.team_ids,
        contact_methods=[
            models.MyContactMethod(
                id=one.id,
                name=one.name,
                channel=one.channel,
                address=one.to or None,
                confirmed_at=confirmed.get(one.id),
            )
            for one in each.contact_methods
        ],
        waiting=[waiting(one, confirmed.get(one.id)) for one in profile.waiting(each, now)],
        owns_contact_methods=profile.has_own_methods(each),
        owns_rules=profile.has_own_rules(each),
        in_file=in_file(each, last_apply),
        rules=[rule(one) for one in each.rules],
        teams=[
            models.MyTeam(id=team.id, name=team.name, lead=member.lead, pages=member.pages)
            for team in teams
            for member in team.members
            if member.user_id == each.id
        ],
        scopes=scopes,
    )


def in_file(each: User, last: LastApply | None) -> models.InFileAnswer | None:
    """Where the file has what it has of them."""
    if last is None:
        return None
    name = "users", slug_of(each.id)
    methods = None if profile.has_own_methods(each) else last.place(*name, METHODS)
    rules = None if profile.has_own_rules(each) else last.place(*name, RULES)
    if methods is None and rules is None:
        return None
    return models.InFileAnswer(
        contact_methods=place(methods),
        rules=place(rules),
        applied_at=last.at,
        applied_by=last.by,
        revision=last.revision,
    )


def place(found: FilePlace | None) -> models.FilePlaceAnswer | None:
    return None if found is None else models.FilePlaceAnswer(file=found.file, line=found.line)


def waiting(each: Unconfirmed, confirmed_at: datetime | None) -> models.WaitingMethod:
    return models.WaitingMethod(
        id=each.id,
        name=each.name,
        channel=each.channel,
        address=each.to,
        confirmed_at=confirmed_at,
        replaces=each.replaces,
        until=each.until,
    )


def refused(why: Refusal) -> tuple[str, str]:
    """Why a person's change of their own was refused, in a few words, and what they can do."""
    match why:
        case Refusal.FILE:
            said = "The configuration file has them: change them there."
            return "Managed by the file", said
        case Refusal.UNKNOWN:
            return "Contact method not found", "There is no such contact method any more."
        case Refusal.KNOWN:
            return "Known already", "It is one of your contact methods already."
        case Refusal.TOO_MANY:
            most = f"{MOST_METHODS} contact methods, and {MOST_RULES} rules for an urgency"
            return "Too many", f"A person has at most {most}."
        case Refusal.LAST:
            said = (
                "You are paged, and no contact method would be left that is known to reach you. "
                "Confirm another one first."
            )
            return "Last contact method", said
        case Refusal.UNCONFIRMED:
            return "Not confirmed", "Send a code to it, and type that first."
        case Refusal.UNTOLD:
            said = "The address before is being told of it. Try again in a few seconds."
            return "Not yet", said
        case _:
            assert_never(why)


def code(code_id: str, delivery: Delivery) -> models.CodeAnswer:
    """Of a code, or of a test."""
    return models.CodeAnswer(
        id=code_id,
        state=delivery.state,
        why=delivery.why or (delivery.attempts[-1].why if delivery.attempts else None),
        ends_at=delivery.at + codes.LIFE,
    )


def rule(each: NotificationRule) -> models.RuleAnswer:
    return models.RuleAnswer(
        urgency=each.urgency,
        method_id=each.method_id,
        after_seconds=int(each.delay.total_seconds()),
    )


def method(each: Receiver, address: str) -> models.ContactMethodAnswer:
    return models.ContactMethodAnswer(
        id=each.id, name=each.name, channel=each.channel, address=address or None
    )


def masked(channel: Channel, address: str) -> str:
    """Enough to tell two apart, and too little to write to."""
    match channel:
        case Channel.EMAIL:
            name, _, domain = address.rpartition("@")
            return f"{name[:1]}…@{domain}"
        case Channel.SMS | Channel.VOICE:
            return masked_number(address)
        case _:
            # An id that a message can be sent to, or the address of a topic that anybody may read.
            return ""


def team(each: Team, names: Names) -> models.TeamAnswer:
    return models.TeamAnswer(
        id=each.id,
        name=each.name,
        members=[
            models.MemberAnswer(
                user_id=one.user_id,
                user_name=names.user(one.user_id),
                lead=one.lead,
                pages=one.pages,
            )
            for one in each.members
        ],
    )


def policy(each: Policy, names: Names) -> models.PolicyAnswer:
    return models.PolicyAnswer(
        id=each.id,
        name=each.name,
        version=each.version,
        steps=[
            models.PolicyStepAnswer(
                delay_seconds=int(step.delay.total_seconds()),
                targets=[
                    models.TargetAnswer(kind=one.kind, id=one.id, name=names.target(one))
                    for one in step.targets
                ],
            )
            for step in each.steps
        ],
        repeat=each.repeat,
        pause_seconds=int(each.pause.total_seconds()),
    )
