"""Whether alarms and other events of AWS come in that page nobody."""

from collections.abc import Iterable, Sequence

from opsknight.directory.aws import Unmatched
from opsknight.files.aws_shape import rule_for
from opsknight.health.findings import NAMES_SHOWN, Finding, ok, warning
from opsknight.store.calls import Deadline
from opsknight.store.unmatched import UnmatchedRows
from opsknight_cli.doctor.deployed import Deployed


def aws_events(deployed: Deployed) -> Iterable[Finding]:
    within = Deadline.after(deployed.patience)
    return [unmatched(UnmatchedRows(deployed.table).all(deployed.now, within))]


def unmatched(found: Sequence[Unmatched]) -> Finding:
    """Alarms and the like of AWS that no rule names. The most frequent comes first."""
    if not found:
        return ok("AWS events", "Nothing came in the last 30 days that no rule names.")
    names = ", ".join(each.name for each in found[:NAMES_SHOWN])
    more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    said = f"No rule names these alarms or events of AWS, so they page nobody: {names}{more}."
    first = rule_for(found[0])
    mend = f"`opsknight aws alarms` has a line for each, such as `{first}` below `aws: rules:`."
    return warning("AWS events", said, mend)
