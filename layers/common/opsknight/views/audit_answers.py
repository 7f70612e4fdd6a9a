"""The audit log as the API, the console and the command line show it. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from opsknight.directory.audit_log import AuditEntry, AuditKind
from opsknight.views.audit_models import AuditActor, AuditEntryAnswer, AuditFact, AuditThing

TITLES: Final[Mapping[AuditKind, str]] = MappingProxyType(
    {
        AuditKind.INTEGRATION_ADDED: "Integration added",
        AuditKind.KEY_MADE: "Key made",
        AuditKind.KEY_ROTATED: "Key rotated",
        AuditKind.KEY_REVOKED: "Key revoked",
        AuditKind.LOGIN_LINK_MADE: "Login link made",
        AuditKind.LOGIN_FAILED: "Login failed",
        AuditKind.SESSION_BEGUN: "Logged in",
        AuditKind.SESSION_ENDED: "Session ended",
        AuditKind.OVERRIDE_ADDED: "Override added",
        AuditKind.OVERRIDE_REMOVED: "Override removed",
        AuditKind.MAINTENANCE_PLANNED: "Maintenance planned",
        AuditKind.MAINTENANCE_ENDED: "Maintenance ended",
        AuditKind.METHOD_ASKED_FOR: "Contact method asked for",
        AuditKind.METHODS_CHANGED: "Contact methods changed",
        AuditKind.RULES_CHANGED: "Notification rules changed",
        AuditKind.CALENDAR_ENDED: "Calendar address ended",
        AuditKind.CONFIGURATION_APPLIED: "Configuration applied",
        AuditKind.HOLD_BEGUN: "Hold begun",
        AuditKind.HOLD_ENDED: "Hold ended",
        AuditKind.RESTORED: "Restored from a backup",
        AuditKind.POST_ADDED: "Posted on a status page",
        AuditKind.POST_UPDATED: "Post updated",
        AuditKind.POST_WITHDRAWN: "Post withdrawn",
    }
)


def title(kind: str) -> str:
    """Of one that a newer version wrote, its name in words."""
    known = tuple(AuditKind)
    return TITLES[AuditKind(kind)] if kind in known else kind.replace("_", " ").capitalize()


def answer(entry: AuditEntry) -> AuditEntryAnswer:
    actor = entry.actor
    return AuditEntryAnswer(
        id=entry.id,
        at=entry.at,
        kind=entry.kind,
        title=title(entry.kind),
        actor=AuditActor(kind=actor.kind, id=actor.id, name=actor.name, user_id=entry.user_id),
        via=entry.via,
        source=entry.source or None,
        things=[
            AuditThing(kind=each.kind, id=each.id, name=each.name or None) for each in entry.things
        ],
        facts=[
            AuditFact(name=each.name, before=each.before, after=each.after) for each in entry.facts
        ],
    )
