"""Incidents, services, teams and users as operators name them on the command line."""

import re
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.config.spelling import did_you_mean
from opsknight.directory.entries import User
from opsknight.incident.model import Actor, ActorKind
from opsknight.store.configurations import Configurations
from opsknight.store.listings import Listings
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.invocation import Invocation

# An id begins with its time to the millisecond; two random digits more tell most ids apart.
SHORT: Final = len("inc_") + 14
_WHOLE: Final = re.compile(r"inc_[0-9a-f]{28}")
_BEGINNING: Final = re.compile(r"inc_[0-9a-f]{4,27}")
_NAMED: Final = 4
NOBODY: Final = (
    "The configuration names nobody yet. `opsknight login --first EMAIL` makes the first "
    "administrator, with that address, and a link to the console."
)

IncidentArgument = Annotated[
    str, typer.Argument(help="Its id. For an active incident, the first characters are enough.")
]


def incident_id(invocation: Invocation, given: str) -> str:
    """Expands an id prefix to a full id, for active incidents. Does not check that a full id
    exists. Raises CommandError.
    """
    text = given.strip().lower()
    text = text if text.startswith("inc_") else f"inc_{text}"
    if _WHOLE.fullmatch(text):
        return text
    if not _BEGINNING.fullmatch(text):
        raise CommandError(
            f'"{given}" is not an incident id. `opsknight incidents list` shows the ids, '
            "as much of them as is needed."
        )
    found = Listings(invocation.deployment.table).beginning(
        text, _NAMED, invocation.session.deadline()
    )
    match found:
        case [only]:
            return only
        case []:
            raise CommandError(
                f"There is no active incident {text}. Resolved incidents need the full id."
            )
        case _:
            more = " and others" if len(found) == _NAMED else ""
            raise CommandError(
                f"Several ids begin with {text}: {', '.join(found)}{more}. Give more digits."
            )


def method_name(receiver_id: str) -> str:
    """The name in the file; or the id, for the e-mail address that is used without methods."""
    return slug_of(receiver_id) or receiver_id


def configuration(invocation: Invocation) -> Configuration:
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    found = Configurations(table).read(deadline).configuration
    remember(invocation, found)
    return found


def remember(invocation: Invocation, found: Configuration) -> None:
    """Keeps the names for completion."""
    kinds = {
        "services": found.services,
        "teams": found.teams,
        "users": found.users,
        "schedules": found.schedules,
    }
    names = {kind: [slug_of(each) for each in known] for kind, known in kinds.items()}
    invocation.session.remember(invocation.where.stack, names)


def unknown(kind: Kind, name: str, known: Iterable[str]) -> CommandError:
    """The error for a name that nothing has; `known` are the existing ids."""
    hint = did_you_mean(name, map(slug_of, known))
    return CommandError(f'There is no {kind} called "{name}".{hint}')


def user(invocation: Invocation, name: str) -> User:
    """Raises CommandError when there is no such user, or when the user is disabled."""
    found = invocation.deployment.table.user(id_of(Kind.USER, name), invocation.session.deadline())
    if found is None:
        users = configuration(invocation).users
        if not users:
            raise CommandError(NOBODY)
        raise unknown(Kind.USER, name, users)
    if found.disabled:
        raise CommandError(f"User {name} is disabled.")
    return found


def operator(invocation: Invocation) -> Actor:
    """Whom the timeline names: the user of `--as`, or else the owner of the credentials."""
    if invocation.acting_as is not None:
        found = user(invocation, invocation.acting_as)
        return Actor(kind=ActorKind.USER, id=found.id, name=found.name)
    return credentials(invocation)


def credentials(invocation: Invocation) -> Actor:
    """Whose credentials they are."""
    arn = invocation.deployment.operator()
    last = arn.rpartition(":")[2].rpartition("/")[2]
    return Actor(kind=ActorKind.OPERATOR, id=arn, name=f"{last} (AWS)")
