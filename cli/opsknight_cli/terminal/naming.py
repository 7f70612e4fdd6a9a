"""Incidents, services, teams and users as operators name them on the command line."""

import re
from typing import Annotated, Final

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.config.lint import meant
from opsknight.directory.entries import User
from opsknight.incident.model import Actor, ActorKind
from opsknight.store.configurations import Configurations
from opsknight.store.listings import Listings
from opsknight_cli.deployments import Deployment
from opsknight_cli.session import Refused, Session

# The time to the millisecond, and two random digits.
SHORT: Final = len("inc_") + 14
_WHOLE: Final = re.compile(r"inc_[0-9a-f]{28}")
_BEGINNING: Final = re.compile(r"inc_[0-9a-f]{4,27}")
_NAMED: Final = 4

IncidentArgument = Annotated[
    str, typer.Argument(help="Its id; of an active one the beginning is enough.")
]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        envvar="OPSKNIGHT_USER",
        help="Which user you are; else the timeline has your AWS identity.",
        show_default=False,
    ),
]


def incident_id(deployment: Deployment, session: Session, given: str) -> str:
    """Of what was given the whole id; nobody has looked yet whether there is a whole one like
    that. Raises Refused.
    """
    text = given.strip().lower()
    text = text if text.startswith("inc_") else f"inc_{text}"
    if _WHOLE.fullmatch(text):
        return text
    if not _BEGINNING.fullmatch(text):
        raise Refused(
            f'"{given}" is no id of an incident. `opsknight incidents list` shows them; '
            "at least four digits are needed."
        )
    found = Listings(deployment.table).beginning(text, _NAMED, session.deadline())
    match found:
        case [only]:
            return only
        case []:
            raise Refused(
                f"There is no active incident {text}. One that is resolved is found by its "
                "whole id only."
            )
        case _:
            more = " and others" if len(found) == _NAMED else ""
            raise Refused(f"{text} is the beginning of {', '.join(found)}{more}: give more of it.")


def method_name(receiver_id: str) -> str:
    """As the file calls it. An address that stands in for methods is in no file."""
    return slug_of(receiver_id) or receiver_id


def configuration(deployment: Deployment, session: Session) -> Configuration:
    return Configurations(deployment.table).read(session.deadline()).configuration


def user(deployment: Deployment, session: Session, name: str) -> User:
    """Raises Refused for one that there is not, and for one who is disabled."""
    found = deployment.table.user(id_of(Kind.USER, name), session.deadline())
    if found is None:
        hint = meant(name, map(slug_of, configuration(deployment, session).users))
        raise Refused(f'There is no user called "{name}".{hint}')
    if found.disabled:
        raise Refused(f"User {name} is disabled.")
    return found


def operator(deployment: Deployment, session: Session, name: str | None) -> Actor:
    """Who the timeline says it was: a user, or whoever has the credentials."""
    if name is not None:
        found = user(deployment, session, name)
        return Actor(kind=ActorKind.USER, id=found.id, name=found.name)
    arn = deployment.operator()
    last = arn.rpartition(":")[2].rpartition("/")[2]
    return Actor(kind=ActorKind.OPERATOR, id=arn, name=f"{last} (AWS)")
