"""The route about the audit log; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.audit_log import AuditKind
from opsknight.directory.entries import AUDIT_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Parameter, Reply, Route
from opsknight.views.audit_models import AuditLogAnswer
from respond import audit_log, parameters

_KIND: Final = f"({'|'.join(AuditKind)})"

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path="/api/audit",
        name="listAuditLog",
        scope=AUDIT_READ,
        handler=audit_log.list_entries,
        summary="List who changed what, when, and from where: newest first.",
        parameters=(
            Parameter("from", "Then or later.", parameters.TIME, "2026-11-23T00:00:00Z"),
            Parameter("until", "Before.", parameters.TIME, "2026-11-24T00:00:00Z"),
            Parameter(
                "kind",
                "One or several kinds of acts, with commas.",
                {"type": "string", "pattern": f"^{_KIND}(,{_KIND})*$"},
                "key_made,key_revoked",
            ),
            Parameter(
                "actor",
                "Only what this user, API key or AWS identity did, by id; for a user what their API"
                " keys did, too.",
                parameters.TEXT,
                "user_ada",
            ),
            Parameter(
                "entity", "Only what is about this service, user, ...", parameters.TEXT, "sch_web"
            ),
            *parameters.BATCH,
        ),
        replies=(Reply(200, "Some of it.", AuditLogAnswer, LIMITS),),
        errors=(400, 403),
    ),
)
