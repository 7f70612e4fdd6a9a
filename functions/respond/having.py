"""Who has an incident, and who is paged for it, as the page behind a link says it to its reader.

To be paged is not to have it; and whoever was given it has not had it since it was acknowledged.
"""

from collections.abc import Sequence
from datetime import datetime

from opsknight.classes import dataclass
from opsknight.escalation.pages import StepTaken
from opsknight.incident.model import Incident, Status
from opsknight.incident.taking import taken_on_by
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.views.sentences import NAMED, Names, ago
from respond.markup import Html, joined, tag


@dataclass(frozen=True, slots=True)
class Having:
    """`latest` are the newest changes, `steps` the newest steps, both newest first."""

    incident: Incident
    reader_id: str
    latest: Sequence[Change]
    steps: Sequence[StepTaken]
    names: Names

    def said(self, now: datetime) -> Html:
        incident = self.incident
        who = taken_on_by(incident)
        mine = who == self.reader_id
        name = "You" if mine else who and self.names(who)
        has = f"{name} {'have' if mine else 'has'} it" if name else ""
        match incident.status:
            case Status.OPEN:
                paged = self._paged()
                return joined(tag("b", "Nobody has it yet"), f"; {paged}" if paged else "")
            case Status.RESOLVED:
                return joined(f"{name} had it" if name else "Nobody had it")
            case Status.ACKNOWLEDGED if incident.acknowledged_at is not None:
                return joined(
                    tag("b", has or f"Acknowledged by {self._acknowledged_by()}"),
                    f", {self._since(incident.acknowledged_at, now, bool(has))}",
                )
            case _:
                return joined(has or "Nobody has it")

    def _acknowledged_by(self) -> str:
        done = (each.actor.name for each in self.latest if each.what is ChangeKind.ACKNOWLEDGED)
        return next(done, "a monitor")

    def _paged(self) -> str:
        """Whom the last step paged, the reader first: all of them, not only its first."""
        assignee = self.incident.assignee_id
        step = next((each.user_ids for each in self.steps if each.user_ids), ())
        ids = [assignee] if assignee and (self._given() or not step) else list(step)
        if not ids:
            return ""
        ids.sort(key=lambda user_id: user_id != self.reader_id)
        names = ["you" if each == self.reader_id else self.names(each) for each in ids[:NAMED]]
        verb = "is" if len(ids) == 1 and ids[0] != self.reader_id else "are"
        last = f"{len(ids) - NAMED} more" if len(ids) > NAMED else names.pop()
        return f"{f'{", ".join(names)} and {last}' if names else last} {verb} paged"

    def _given(self) -> Change | None:
        """How its assignee came to have it, if somebody gave it to them after the last step."""
        given = next((each for each in self.latest if each.what is ChangeKind.REASSIGNED), None)
        if given is None or given.detail.get("assignee") != self.incident.assignee_id:
            return None
        stepped = next((each.at for each in self.steps if each.user_ids), given.at)
        return given if stepped <= given.at else None

    def _since(self, acknowledged_at: datetime, now: datetime, somebody: bool) -> str:
        given = self._given()
        if given is not None and given.at > acknowledged_at:
            return f"given on {ago(given.at, now)}"
        when = ago(acknowledged_at, now)
        return f"acknowledged {when}" if somebody else when
