"""Entries of the audit log for what a test does itself, past the functions and the commands."""

from datetime import UTC, datetime
from secrets import token_hex

from harness.world import World, deadline
from opsknight.directory.audit_log import Act, AuditEntry, AuditKind, Author, ThingKind, Via, thing
from opsknight.incident.model import Actor, ActorKind
from opsknight.store.audit_log import AuditLog, Sought

TEST = Author(Actor(kind=ActorKind.OPERATOR, id="test", name="a test"), Via.COMMAND_LINE)


def written(world: World) -> list[AuditEntry]:
    """The whole log, the newest first."""
    log = AuditLog(world.table)
    return log.newest(Sought(), None, 500, world.clock(), deadline())[0]


def entry(*_: object, **__: object) -> AuditEntry:
    """A new one each time, so that it names its write, too."""
    act = Act(AuditKind.RESTORED, (thing(ThingKind.DEPLOYMENT, "test"),))
    return TEST.entry(act, f"aud_{token_hex(14)}", datetime.now(UTC))
