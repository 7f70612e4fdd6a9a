"""The clocks by which the people of services live, and that of whoever reads the screen."""

from zoneinfo import ZoneInfo

from opsknight.config.configuration import Configuration, Kind, id_of
from opsknight.directory.entries import Service
from opsknight.escalation.policy import TargetKind
from opsknight_cli.session import UsageError
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import user
from opsknight_cli.terminal.times import UTC_ZONE, is_by_a_clock


def readers_clock(invocation: Invocation) -> ZoneInfo:
    """The clock of the user of `--as` or OPSKNIGHT_USER; UTC without one, as AWS's consoles have
    it. Raises CommandError for a user that does not exist.
    """
    return user(invocation, invocation.acting_as).clock if invocation.acting_as else UTC_ZONE


def reading_clock(invocation: Invocation) -> ZoneInfo:
    """The same for commands that only show something: for a user that does not exist or is disabled
    it is UTC, and standard error says so. Whoever left is no reason to show nothing.
    """
    name = invocation.acting_as
    if not name:
        return UTC_ZONE
    found = invocation.deployment.table.user(id_of(Kind.USER, name), invocation.session.deadline())
    if found is not None and not found.disabled:
        return found.clock
    why = "is disabled" if found else "does not exist"
    invocation.screen.complain(f"User {name} {why}: times are in UTC.")
    return UTC_ZONE


def clock_of(service: Service, known: Configuration) -> ZoneInfo:
    """The clock by which the people of a service live: that of the first schedule that its policy
    pages, as overrides use it; UTC if it pages none.
    """
    policy = known.policies.get(service.policy_id or "")
    for step in policy.steps if policy else ():
        for target in step.targets:
            schedule = known.schedules.get(target.id)
            if target.kind is TargetKind.SCHEDULE and schedule is not None:
                return ZoneInfo(schedule.zone)
    return UTC_ZONE


def one_clock(services: list[Service], start: str, known: Configuration) -> ZoneInfo:
    """The clock of all of them. Raises UsageError for a time by clocks that differ."""
    clocks = {clock_of(each, known).key: clock_of(each, known) for each in services}
    if len(clocks) > 1:
        if is_by_a_clock(start):
            raise UsageError(
                f"These services have different clocks, {conjoined([*clocks])}: give --from with "
                'an offset, such as "2026-11-25T17:00Z", or "+2h".'
            )
        return UTC_ZONE
    return next(iter(clocks.values()))


def conjoined(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
