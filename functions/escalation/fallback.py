"""Notifies the fallback address: at once of the first incident that nobody takes, and from then on
at most once in five minutes, of all of them in one message.

It needs no other function of ours, as it speaks when those fail. When and of what is decided in
`opsknight.escalation.fallback`; how the messages read is in `escalation.fallback_text`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from escalation.directory import Directory
from escalation.fallback_text import MOST_SERVICES, of
from escalation.outbox import Outbox
from opsknight.classes import dataclass
from opsknight.escalation.fallback import (
    AGAIN_AFTER,
    MIN_INTERVAL,
    FallbackRow,
    FallbackState,
    names,
)
from opsknight.incident.canary import is_canary
from opsknight.incident.model import Incident
from opsknight.runtime import lenient
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import RECORD_SECONDS, Conflict, Deadline, Unavailable
from opsknight.store.due import readable
from opsknight.store.fallback import FallbackRows
from opsknight.store.table import Table

# How many rows that it needs no more one message tidies away. The next one goes on.
MOST_REMOVED: Final = 200


@dataclass(frozen=True, slots=True)
class Fallback:
    table: Table
    outbox: Outbox
    clock: Callable[[], datetime]
    new_token: Callable[[], str]

    @property
    def rows(self) -> FallbackRows:
        return FallbackRows(self.table)

    def tell(self, incident: Incident, deadline: Deadline, *, once: bool) -> None:
        """The address hears of the incident now, or in the next message. `once`: no reminders.

        It hears of no canary: silence of that one has an alarm.
        """
        if is_canary(incident.id):
            return
        row = FallbackRow(incident_id=incident.id, at=self.clock(), once=once)
        self.rows.keep(row, deadline)
        self._send_if_due(self.rows.ask(deadline), deadline)

    def remind(self, incident: Incident, every: timedelta, deadline: Deadline) -> datetime:
        """Reminds of the incident, unless a message since has done so; returns when to do so again.

        One message names all incidents, so that their reminders soon come together.
        """
        now = self.clock()
        is_new = self.rows.add(FallbackRow(incident_id=incident.id, at=now), deadline)
        state = self.rows.state(deadline)
        if not is_new and state.told_at is not None and now < state.told_at + every:
            return state.told_at + every
        try:
            if is_new:
                state = self.rows.ask(deadline)
            elif state.lease_until is None:
                state = self.rows.ask_again(state, deadline)
            else:
                raise Conflict
        except Conflict:
            # Reminders come together. A message that has begun since names this one: its sender
            # reads the rows after it has the lease. Should it die, a tick sends in its place.
            return now + every
        self._send_if_due(state, deadline)
        return now + every

    def attend(self, deadline: Deadline) -> None:
        """Sends what waits, once its time has come: each tick looks."""
        self._send_if_due(self.rows.state(deadline), deadline)

    def _send_if_due(self, state: FallbackState, deadline: Deadline) -> None:
        now = self.clock()
        due_at = state.due_at(now)
        if due_at is None or due_at > now:
            return
        token = self.new_token()
        try:
            self.rows.acquire(state, token, now, deadline)
        except Conflict:
            # Somebody else sends, with what waits here in it or after it.
            return
        sent = self._send(state, now, deadline)
        # At least once: send first, then record, and tidy only then.
        self.rows.release(token, sent.changes, deadline.at_least(RECORD_SECONDS))
        # What is left behind is named by one more message at most, which removes it.
        with suppress(Unavailable):
            self._remove(sent.over, deadline.at_least(RECORD_SECONDS))

    def _send(self, state: FallbackState, now: datetime, deadline: Deadline) -> "_Sent":
        read = lenient.readable_items(FallbackRow, self.rows.rows(deadline))
        rows = {row.incident_id: row for row in read}
        found = self._incidents(rows, deadline)
        named = [each for each in found if names(rows[each.id], each, state, now)]
        kept = {each.id for each in named}
        acted = [row for row in rows.values() if row.incident_id not in kept]
        if not named:
            return _Sent({}, acted)
        digest = of(named)
        directory = Directory(self.table, deadline)
        shown = digest.service_ids[:MOST_SERVICES]
        services = {each: directory.service(each) for each in shown}
        known = {each: service.name for each, service in services.items() if service}
        text = digest.text(known, self.outbox.public_url)
        if not self.outbox.notify_fallback(digest.subject, text, digest.urgency):
            signal("FallbackUnheard")
            return _Sent({"asked": True, "next_at": now + AGAIN_AFTER}, acted)
        logger.info("fallback notified", incidents=len(named))
        told_once = [rows[each.id] for each in named if rows[each.id].once]
        return _Sent({"told_at": now, "next_at": now + MIN_INTERVAL}, told_once + acted)

    def _remove(self, rows: list[FallbackRow], deadline: Deadline) -> None:
        for row in rows[:MOST_REMOVED]:
            self.rows.remove(row, deadline)

    def _incidents(self, rows: dict[str, FallbackRow], deadline: Deadline) -> list[Incident]:
        found = []
        for item in self.rows.incidents(rows, deadline):
            try:
                found.append(readable(item))
            except ValidationError:
                # Its own timers fail, too, and that raises an alarm.
                logger.exception("incident cannot be read", incident=item["pk"]["S"])
        return found


@dataclass(frozen=True, slots=True)
class _Sent:
    changes: Mapping[str, object]
    """How it went."""
    over: list[FallbackRow]
    """Rows that no later message needs."""
