"""`restore`: brings back what the table held at some time, beside the deployment that runs.

DynamoDB makes a copy of the table as it was; its items come back into the table in use, one by one.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import ClientError

from opsknight.directory.audit_log import PREFIX, AuditEntry
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Deadline
from opsknight.store.restoring import DIRECTORY, Audit, Entry, Incidents, Restoring
from opsknight.store.table import Table
from opsknight.views import audited
from opsknight_cli.session import PATIENCE_SECONDS, CommandError, UsageError
from opsknight_cli.terminal.audited import author
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Screen, printable
from opsknight_cli.terminal.times import UTC_ZONE, earlier, shown

POLL_SECONDS: Final = 15.0
# Minutes for a small table, hours for a large one.
LONGEST_COPY: Final = 12 * 3600
PATIENCE: Final = 4 * 3600
MOST_NAMED: Final = 20
_WORDS: Final = {
    "integration_key": "integration keys",
    "api_key": "API keys",
    "user": "users",
    "schedule": "schedules",
    "override": "overrides",
    "team": "teams",
    "policy": "policies and their versions",
    "service": "services, with their windows",
    "integration": "integrations",
    "receiver": "receivers",
    "status_page": "status pages",
    "preset": "presets",
    "aws_rules": "rules for events of AWS",
}

app = typer.Typer()


@app.command("restore")
@common_options()
def restore_command(
    invocation: Invocation,
    at: Annotated[
        str | None,
        typer.Option("--at", help='When: "2h" ago, or "2026-11-25 18:00" in UTC.'),
    ] = None,
    from_table: Annotated[
        str | None,
        typer.Option("--from-table", help="Use this copy of the table, which exists already."),
    ] = None,
    incidents: Annotated[
        bool, typer.Option("--incidents", help="Bring back incidents that are gone, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Bring back configuration, keys, overrides and windows as they were. Pages nobody."""
    session, screen, live = invocation.session, invocation.screen, invocation.deployment.table
    if (at is None) is (from_table is None):
        raise UsageError("Give exactly one of --at and --from-table.")
    made = at is not None
    name = from_table or _copied(invocation, live, earlier(str(at), session.now(), UTC_ZONE))
    if name == live.name:
        raise UsageError("--from-table has to name a copy, and not the table in use.")
    restoring = Restoring(live, Table(live.client, name, live.retention), session.now())
    deadline = Deadline.after(
        PATIENCE if session.patience >= PATIENCE_SECONDS else session.patience
    )
    changed = restoring.changed(deadline)
    if not screen.as_json:
        _show(screen, changed, incidents=incidents)
    if (changed or incidents) and not (yes or screen.as_json or screen.ask("Bring it back?")):
        raise CommandError(f"Nothing was changed. The copy {name} stays.")
    audit = _audit(invocation, name, changed)
    revision = restoring.bring_back(changed, audit, deadline) if changed else None
    found = Incidents()
    if incidents:
        if revision is None:
            # They come one by one, each with its own change.
            AuditLog(live).note(audit(0, is_done=False), deadline)
        found = restoring.incidents(deadline)
    if screen.as_json:
        screen.data(
            {
                "copy": name,
                "revision": revision,
                "entries": dict(Counter(each.kind for each in changed)),
                "suppressed": found.suppressed,
                "incidents": dict(found.counts),
            }
        )
        return
    if revision is not None:
        screen.say(f"The directory is back, as revision {revision}.", "green")
        screen.say("Functions know it within 30 seconds.")
    if incidents:
        _show_incidents(screen, found)
    if made:
        screen.say()
        screen.say("The copy costs as much as the table. When you have looked at it, delete it:")
        screen.command(f"aws dynamodb delete-table --table-name {name}")


def _audit(invocation: Invocation, copy: str, changed: Sequence[Entry]) -> Audit:
    """Makes the audit log's entry of it, which says how far it came."""
    operator, session = author(invocation), invocation.session
    entry_id, now = session.id(PREFIX), session.now()
    counts = Counter(each.kind for each in changed)

    def entry(revision: int, /, *, is_done: bool) -> AuditEntry:
        act = audited.restored(copy, counts, revision or None, is_done=is_done)
        return operator.entry(act, entry_id, now)

    return entry


def _copied(invocation: Invocation, live: Table, at: datetime) -> str:
    """Has DynamoDB make a copy of the table, and waits for it. Returns its name."""
    session, screen, client = invocation.session, invocation.screen, live.client
    name = f"{live.name[:230]}-{at:%Y%m%dT%H%M%S}"
    if at >= session.now():
        raise UsageError("The time to go back to has to be in the past.")
    try:
        client.restore_table_to_point_in_time(
            SourceTableName=live.name,
            TargetTableName=name,
            RestoreDateTime=at,
            # Nobody looks anything up in the copy, so indexes would only take time and money.
            GlobalSecondaryIndexOverride=[],
            BillingModeOverride="PAY_PER_REQUEST",
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "TableAlreadyExistsException":
            if not screen.as_json:
                screen.say(f"The copy {name} is there already, or on its way.")
        elif code in ("InvalidRestoreTimeException", "PointInTimeRecoveryUnavailableException"):
            raise CommandError(
                f"There is no copy of {shown(at, UTC_ZONE)}: {error.response['Error']['Message']}. "
                "Backups reach back 35 days, and end five minutes ago (`ProtectData` keeps them)."
            ) from None
        else:
            raise
    if not screen.as_json:
        screen.say(f"DynamoDB makes the copy {name}. This takes minutes; hours for a large table.")
    until = LONGEST_COPY / POLL_SECONDS
    while client.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        until -= 1
        if until < 0:
            again = f"opsknight restore --from-table {name}"
            raise CommandError(f"The copy is not ready. Later: `{again}`.")
        session.sleep(POLL_SECONDS)
    return name


def _show(screen: Screen, changed: Sequence[Entry], *, incidents: bool) -> None:
    if not changed:
        screen.say("The directory is as it was then. What was added since stays.")
    for kind in DIRECTORY:
        mine = [each for each in changed if each.kind == kind]
        if not mine or kind not in _WORDS:
            continue
        missing = sum(each.is_missing for each in mine)
        names = ", ".join(sorted({printable(each.name) for each in mine})[:MOST_NAMED])
        counts = f"{missing} missing, {len(mine) - missing} changed since"
        screen.say(f"{_WORDS[kind]}: {counts} ({names})", indent=2)
    if changed:
        screen.say("What was added since stays, and a key that was revoked stays so.")
    if incidents:
        screen.say(
            "Incidents that are gone come back, active ones as SUPPRESSED: they page nobody until "
            "somebody lets them out."
        )


def _show_incidents(screen: Screen, found: Incidents) -> None:
    counts: dict[str, Any] = {
        "resolved ones are back": found.counts["resolved"],
        "are back as RESOLVED, as their key has a newer incident": found.counts["superseded"],
        "are in the table already, and stay as they are": found.counts["known"],
        "could not be read, and stay in the copy": found.counts["unreadable"],
    }
    for said, count in counts.items():
        if count:
            screen.say(f"{count} {said}.")
    if found.suppressed:
        screen.say(f"{len(found.suppressed)} active ones are back as SUPPRESSED. To page for one:")
        for incident_id in found.suppressed[:MOST_NAMED]:
            screen.command(f"opsknight incidents unsuppress {incident_id}")
        if len(found.suppressed) > MOST_NAMED:
            screen.command("opsknight incidents list --status SUPPRESSED")
