"""Opsgenie's users and teams. A team there is a team here; what sends to it is in `services`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from opsknight.config.configuration import Kind
from opsknight.directory.entries import Member, Role
from opsknight.directory.entries import Team as OurTeam
from opsknight.directory.receivers import Channel
from opsknight.incident.model import Urgency
from opsknight_cli.importing.draft import Draft, title
from opsknight_cli.importing.opsgenie.shapes import (
    Contact,
    Export,
    Filter,
    Named,
    NotificationRule,
    Team,
    User,
)
from opsknight_cli.importing.people import Method, Person, Wish, add_person, number
from opsknight_cli.importing.wire import understood
from opsknight_cli.importing.zones import known_zone

_CHANNELS: Final = {"email": Channel.EMAIL, "sms": Channel.SMS, "voice": Channel.VOICE}
_ROLES: Final = {
    "owner": Role.ADMIN,
    "admin": Role.ADMIN,
    "stakeholder": Role.USER,
    "observer": Role.USER,
}
_PRIORITIES: Final = {
    Urgency.HIGH: ("P1",),
    Urgency.MEDIUM: ("P2", "P3"),
    Urgency.LOW: ("P4", "P5"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """Our ids of what is in the file, by theirs and by name: they refer by either."""

    ids: Mapping[str, str]

    def find(self, named: Named | None) -> str | None:
        wanted = (named.id, named.username, named.name) if named else ()
        return next((self.ids[each] for each in wanted if each and each in self.ids), None)


def add_users(export: Export, draft: Draft) -> Known:
    found: dict[str, str] = {}
    for user in understood(User, export.users, "user", draft):
        shown = user.full_name or user.username
        rules = user.notification_rule_list
        if rules is None:
            draft.page_otherwise(
                f"user {shown}",
                "The export has no notification rules, so the default rules page: ask for the "
                "user's, each with its steps.",
            )
        methods = {each.id: each for each in _methods(user)}
        # Each user there has an e-mail address at least.
        if not methods:
            draft.lose_page(
                f"user {shown}",
                "The export has none of their contacts, so an e-mail is all that reaches them: ask "
                "for each user with `expand=contact`.",
            )
        person = Person(
            name=shown,
            email=user.username,
            role=_ROLES.get(user.role.name.lower(), Role.RESPONDER),
            zone=known_zone(user.time_zone),
            disabled=user.blocked,
            methods=[*methods.values()],
            wishes=[wish for rule in rules or () for wish in _wishes(rule, shown, draft)],
        )
        if user_id := add_person(person, draft):
            found |= dict.fromkeys((user.id, user.username), user_id)
    return Known(found)


def _methods(user: User) -> Iterator[Method]:
    """Those of the user; and those that only a rule names."""
    for each in user.user_contacts:
        if each.enabled and each.status.enabled:
            yield _method(each)
    for rule in user.notification_rule_list or ():
        for step in rule.steps:
            yield _method(step.contact)


def _place(contact: Contact) -> str:
    return f"{contact.method}:{contact.to}"


def _method(contact: Contact) -> Method:
    channel = _CHANNELS.get(contact.method)
    to = contact.to.strip()
    if channel in (Channel.SMS, Channel.VOICE):
        # The country, a hyphen, and the rest.
        country, _, rest = to.partition("-")
        to = number(country, rest) if rest else f"+{re.sub(r'[^0-9]', '', to)}"
    what = f"{channel.value} to {to}" if channel else "message to the app"
    return Method(_place(contact), channel, to, "", what)


def _wishes(rule: NotificationRule, who: str, draft: Draft) -> Iterable[Wish]:
    if not rule.enabled or rule.action_type != "create-alert":
        return
    if rule.time_restriction is not None:
        draft.page_more(f"user {who}", f"Rule {rule.name} counts at all times of the week.")
    priorities = _priorities(rule.criteria)
    if priorities is None:
        draft.page_more(f"user {who}", f"Rule {rule.name} counts for all alerts.")
    for urgency, several in _PRIORITIES.items():
        if priorities is not None and not priorities & {*several}:
            continue
        for step in rule.steps:
            if step.enabled:
                yield Wish(urgency, _place(step.contact), step.send_after.lasts)


def _priorities(criteria: Filter) -> set[str] | None:
    """The priorities that it takes; None where it looks at anything else."""
    everything = {each for several in _PRIORITIES.values() for each in several}
    if criteria.type == "match-all" or not criteria.conditions:
        return everything
    found: list[set[str]] = []
    for each in criteria.conditions:
        wanted = each.expected_value or ""
        taken = {
            "equals": {wanted},
            # P1 is the highest.
            "greater-than": {one for one in everything if one < wanted},
            "less-than": {one for one in everything if one > wanted},
        }.get(each.operation)
        if each.field != "priority" or taken is None:
            return None
        found.append(everything - taken if each.negated else taken & everything)
    if criteria.type == "match-any-condition":
        return set.union(*found)
    return set.intersection(*found)


def add_teams(export: Export, users: Known, draft: Draft) -> Known:
    found: dict[str, str] = {}
    # They see incidents, and nothing notifies them.
    silent = {each.id for each in draft.so_far().users.values() if each.role is Role.USER}
    for team in understood(Team, export.teams, "team", draft):
        team_id = draft.name(Kind.TEAM, team.name, team.id)
        found |= dict.fromkeys((team.id, team.name), team_id)
        members = {
            user_id: each.role == "admin"
            for each in team.members
            if (user_id := users.find(each.user))
        }
        draft.add(
            OurTeam(
                id=team_id,
                name=title(team.name, team.id),
                members=tuple(
                    Member(user_id=each, lead=lead, pages=each not in silent)
                    for each, lead in members.items()
                ),
            )
        )
    return Known(found)
