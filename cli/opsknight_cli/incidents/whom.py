"""Whom `incidents also-page` asks to help: a user, or whoever a team or a schedule reaches now."""

from opsknight.config.configuration import Kind, id_of
from opsknight.escalation.policy import Target, TargetKind
from opsknight.store.called import Called, called
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import configuration, unknown


def whom(
    invocation: Invocation, user: str | None, team: str | None, schedule: str | None
) -> Called:
    """Raises UsageError unless exactly one is given, and CommandError where that reaches nobody."""
    named = {Kind.USER: user, Kind.TEAM: team, Kind.SCHEDULE: schedule}
    given = [(kind, name) for kind, name in named.items() if name is not None]
    if len(given) != 1:
        raise UsageError("Give exactly one of --user, --team and --schedule.")
    [(kind, name)] = given
    session, table = invocation.session, invocation.deployment.table
    target = Target(kind=TargetKind(kind.value), id=id_of(kind, name))
    found = called(table, target, session.now(), session.deadline())
    if found is None:
        entries = configuration(invocation)
        known = {Kind.USER: entries.users, Kind.TEAM: entries.teams}.get(kind, entries.schedules)
        raise unknown(kind, name, known)
    if not found.user_ids:
        raise CommandError(f"{found.name} reaches nobody who takes pages just now.")
    return found
