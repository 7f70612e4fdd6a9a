"""People of another system as users of ours: how they are reached, and by which rules."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from opsknight.config.configuration import Kind
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.files.channel_fields import E164
from opsknight.files.reachable import email_problem, number_problem
from opsknight.incident.model import Urgency
from opsknight.oncall.wall_clock import DAY
from opsknight_cli.importing.draft import Draft, Names, title

METHOD: Final = "cm"
ITALY: Final = "39"
# What stands in for a method that there is not here: what wakes people comes first.
_IN_PLACE: Final = (Channel.VOICE, Channel.SMS, Channel.EMAIL)
_WAKES: Final = {Channel.VOICE: "a call", Channel.SMS: "a text message"}


@dataclass(frozen=True, slots=True)
class Method:
    id: str
    """Its id there."""
    channel: Channel | None
    """None for one that there is not here, such as a message to an app."""
    to: str
    label: str
    what: str
    """In words: `push message to iPhone`."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A rule: this method, so long after the page."""

    urgency: Urgency
    method_id: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    role: Role
    zone: str | None
    disabled: bool
    methods: Sequence[Method]
    wishes: Sequence[Wish]


def number(country: str, digits: str) -> str:
    """The number in E.164, if it is one."""
    code, rest = (re.sub(r"\D", "", each) for each in (country, digits))
    # A 0 in front of the area code is dialled within the country alone, but in Italy.
    return f"+{code}{rest if code == ITALY else rest.lstrip('0')}"


def add_person(person: Person, draft: Draft) -> str | None:
    """The id of the new user; None for somebody without an address, whom no entry can stand for."""
    shown = person.name or person.email
    if why := email_problem(person.email):
        draft.lose_page(f"user {shown}", f"Is not in the file: {why[0].lower()}{why[1:]}")
        return None
    user_id = draft.name(Kind.USER, person.name, person.email.partition("@")[0])
    receivers = _receivers(person, draft)
    draft.add(
        User(
            id=user_id,
            name=title(person.name, person.email),
            email=person.email,
            role=person.role,
            disabled=person.disabled,
            zone=person.zone,
            contact_methods=tuple(dict.fromkeys(receivers.values())),
            rules=tuple(_rules(person, receivers, draft)),
        )
    )
    return user_id


def _receivers(person: Person, draft: Draft) -> dict[str, Receiver]:
    """Those that can be used, by their id there. There is one at least: the e-mail address."""
    found: dict[str, Receiver] = {}
    known: dict[tuple[Channel, str], Receiver] = {}
    names = Names()
    for method in person.methods:
        if method.channel is None:
            continue
        if why := _problem(method.channel, method.to):
            draft.lose_page(
                f"user {person.name}",
                f"The {method.what} cannot be used: {why[0].lower()}{why[1:]}",
            )
            continue
        place = (method.channel, method.to)
        if place not in known:
            slug = names.slug(method.channel.value, "method")
            known[place] = Receiver(
                id=f"{METHOD}_{slug}",
                name=title(method.label, slug),
                channel=method.channel,
                to=method.to,
            )
        found[method.id] = known[place]
    if not found:
        slug = names.slug(Channel.EMAIL.value, "method")
        found[""] = Receiver(
            id=f"{METHOD}_{slug}", name=slug, channel=Channel.EMAIL, to=person.email
        )
    return found


def _problem(channel: Channel, to: str) -> str | None:
    match channel:
        case Channel.EMAIL:
            return email_problem(to)
        case Channel.SMS | Channel.VOICE:
            if not E164.fullmatch(to):
                return f"{to} is no telephone number with its country."
            return number_problem(to)
        case _:
            return None


def _rules(
    person: Person, receivers: dict[str, Receiver], draft: Draft
) -> Iterable[NotificationRule]:
    methods = {each.id: each for each in person.methods}
    lost: dict[str, str] = {}
    made: dict[NotificationRule, None] = {}
    for wish in sorted(person.wishes, key=lambda wish: wish.delay):
        receiver = receivers.get(wish.method_id)
        if receiver is None:
            receiver = _in_place(receivers.values())
            what = methods[wish.method_id].what if wish.method_id in methods else "unknown method"
            lost[what] = _WAKES.get(receiver.channel, "")
        rule = NotificationRule(
            urgency=wish.urgency, method_id=receiver.id, delay=min(wish.delay, DAY)
        )
        made[rule] = None
    for what, instead in lost.items():
        if instead:
            draft.page_otherwise(
                f"user {person.name}", f"Is paged by {instead} in place of the {what}."
            )
        else:
            draft.lose_page(
                f"user {person.name}",
                f"Is paged by e-mail in place of the {what}, and an e-mail wakes nobody: add a "
                "number, or another contact method.",
            )
    return made


def _in_place(receivers: Iterable[Receiver]) -> Receiver:
    known = list(receivers)
    for channel in _IN_PLACE:
        for receiver in known:
            if receiver.channel is channel:
                return receiver
    return known[0]
