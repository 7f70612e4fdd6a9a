"""PagerDuty's users and teams."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from opsknight.config.configuration import Kind
from opsknight.directory.entries import Member, Role
from opsknight.directory.entries import Team as OurTeam
from opsknight.directory.receivers import Channel
from opsknight.incident.model import Urgency
from opsknight_cli.importing.draft import Draft, title
from opsknight_cli.importing.pagerduty.shapes import (
    ContactMethod,
    Export,
    Membership,
    NotificationRule,
    Team,
    User,
)
from opsknight_cli.importing.people import Method, Person, Wish, add_person, number
from opsknight_cli.importing.wire import understood
from opsknight_cli.importing.zones import known_zone

INCLUDED: Final = "include[]=contact_methods&include[]=notification_rules"
_CHANNELS: Final = {
    "email_contact_method": Channel.EMAIL,
    "sms_contact_method": Channel.SMS,
    "phone_contact_method": Channel.VOICE,
}
_OTHER: Final = {
    "push_notification_contact_method": "push message",
    "whatsapp_contact_method": "WhatsApp message",
}
_ROLES: Final = {
    "owner": Role.ADMIN,
    "admin": Role.ADMIN,
    "global_admin": Role.ADMIN,
    "user": Role.RESPONDER,
    "limited_user": Role.RESPONDER,
    "observer": Role.USER,
    "restricted_access": Role.USER,
    "read_only_user": Role.USER,
    "read_only_limited_user": Role.USER,
}
# Two urgencies there, three here. A severity of error or warning is MEDIUM, and routes lower what
# is of low urgency there: so MEDIUM pages as HIGH does.
_URGENCIES: Final = {"high": (Urgency.HIGH, Urgency.MEDIUM), "low": (Urgency.LOW,)}


def add_users(export: Export, draft: Draft) -> dict[str, str]:
    """Our ids by theirs, of those that could be carried over."""
    found: dict[str, str] = {}
    for user in understood(User, export.users, "user", draft):
        shown = user.name or user.email
        role = _ROLES.get(user.role, Role.RESPONDER)
        where = f"user {shown}"
        # Each user there has an e-mail address at least.
        if not any(_is_ours(each) and _is_complete(each) for each in user.contact_methods):
            draft.lose_page(
                where,
                "The export has none of their contact methods, so an e-mail is all that reaches "
                f"them: ask for users with `{INCLUDED}`.",
            )
        elif not user.notification_rules and role is not Role.USER:
            draft.page_otherwise(
                where, "The export has none of their notification rules: the default rules page."
            )
        person = Person(
            name=shown,
            email=user.email,
            role=role,
            zone=known_zone(user.time_zone),
            disabled=False,
            methods=[_method(each) for each in user.contact_methods if _is_complete(each)],
            wishes=[wish for rule in user.notification_rules for wish in _wishes(rule)],
        )
        if user_id := add_person(person, draft):
            found[user.id] = user_id
    return found


def _kind(method: ContactMethod) -> str:
    return method.type.removesuffix("_reference")


def _is_ours(method: ContactMethod) -> bool:
    return _kind(method) in _CHANNELS


def _is_complete(method: ContactMethod) -> bool:
    return method.address is not None or not _is_ours(method)


def _method(method: ContactMethod) -> Method:
    channel = _CHANNELS.get(_kind(method))
    address, label = method.address or "", method.label or method.summary or ""
    if channel in (Channel.SMS, Channel.VOICE):
        to = number(str(method.country_code or ""), address)
    else:
        to = address.strip()
    kind = channel.value if channel else _OTHER.get(_kind(method), _kind(method).replace("_", " "))
    return Method(method.id, channel, to, label, f"{kind} to {label or to or 'nobody'}")


def _wishes(rule: NotificationRule) -> Iterable[Wish]:
    if rule.contact_method is None or rule.type not in ("", "assignment_notification_rule"):
        return
    delay = timedelta(minutes=max(rule.start_delay_in_minutes, 0))
    for urgency in _URGENCIES.get(rule.urgency, ()):
        yield Wish(urgency, rule.contact_method.id, delay)


def add_teams(export: Export, users: Mapping[str, str], draft: Draft) -> dict[str, str]:
    roles = {
        (each.team.id, each.user.id): each.role
        for each in understood(Membership, export.team_memberships, "member of a team", draft)
    }
    # Users name their teams, too, though not their role there.
    for user in understood(User, export.users, "user", Draft(draft.system)):
        for team in user.teams:
            roles.setdefault((team.id, user.id), "responder")
    found: dict[str, str] = {}
    for team in understood(Team, export.teams, "team", draft):
        name = team.name or team.called
        found[team.id] = team_id = draft.name(Kind.TEAM, name, team.id)
        members = {
            users[user_id]: role
            for (of, user_id), role in roles.items()
            if of == team.id and user_id in users
        }
        draft.add(
            OurTeam(
                id=team_id,
                name=title(name, team.id),
                members=tuple(
                    Member(user_id=each, lead=role == "manager", pages=role != "observer")
                    for each, role in members.items()
                ),
            )
        )
    return found
