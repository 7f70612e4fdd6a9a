"""Keys that are pressed in a call: what the call told is acknowledged, or resolved, in the name of
whoever was called. An answer alone does nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.http.directory_cache import DirectoryCache
from opsknight.incident.commands import Acknowledge, Command, Resolve
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.model import NEVER, Actor, ActorKind, Status
from opsknight.incident.taking import taken_on_by
from opsknight.notification import twiml
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Delivery
from opsknight.notification.recipients import methods
from opsknight.notification.replies import MOST_BY_KEY
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.execute import perform
from opsknight.store.table import Table
from respond.confirming import confirm_address


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A key, with what the call told."""

    key: str
    told: Sequence[Bundled]
    user: User
    now: datetime
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Said:
    said: str
    asks: bool = False
    """Whether another key may follow."""


@dataclass(frozen=True, slots=True)
class Calls:
    table: Table
    directory: DirectoryCache
    new_id: Callable[[str, datetime], str]
    workers: Executor
    """Acts on several incidents at once."""

    def key(
        self,
        delivery_id: str,
        incident_id: str,
        fields: Mapping[str, str],
        log_fields: dict[str, Any],
        now: datetime,
        deadline: Deadline,
    ) -> "Said":
        first = Bundled(incident_id=incident_id, delivery_id=delivery_id)
        told = self.table.bundle(delivery_id, deadline) or [first]
        # All that one message told went to one number.
        delivery = self.table.delivery(told[0].incident_id, told[0].delivery_id, deadline)
        user = None if delivery is None else self._called(delivery, fields, now, deadline)
        if user is None:
            log_fields["refused"] = "not a call of ours"
            return Said("This number is no contact method any more, so nothing was done.")
        log_fields |= {"delivery_id": delivery_id, "user_id": user.id, "incidents": len(told)}
        pressed = _Pressed(fields.get("Digits", ""), told, user, now, deadline)
        try:
            said = self._act(pressed)
        except Unavailable as cause:
            log_fields["cause"] = str(cause)
            return Said(f"That did not work just now. {twiml.offer(len(told))}", asks=True)
        log_fields["result"] = said.said[:60]
        if not said.asks:
            confirm_address(self.table, user, (Channel.VOICE, fields["To"]), now, deadline)
        return said

    def _called(
        self, delivery: Delivery, fields: Mapping[str, str], now: datetime, deadline: Deadline
    ) -> User | None:
        """Whoever the call was for, while the number that was called is theirs."""
        if not delivery.pages or delivery.channel is not Channel.VOICE:
            return None
        user = self.directory.user(delivery.user_id, now, deadline)
        if user is None or user.disabled:
            return None
        theirs = {each.to for each in methods(user) if each.channel is Channel.VOICE}
        return user if fields.get("To") in theirs else None

    def _act(self, pressed: _Pressed) -> "Said":
        told = pressed.told
        match pressed.key:
            case twiml.ACKNOWLEDGE if len(told) == 1:
                return self._one(pressed, Acknowledge(by=pressed.user.id))
            case twiml.ACKNOWLEDGE if len(told) <= MOST_BY_KEY:
                return self._all(pressed)
            case twiml.RESOLVE if len(told) == 1:
                return self._one(pressed, Resolve())
            case _:
                return Said(f"That key does nothing. {twiml.offer(len(told))}", asks=True)

    def _one(self, pressed: _Pressed, command: Command) -> "Said":
        decision = self._perform(pressed, pressed.told[0], command)
        match decision:
            case Transitioned():
                resolved = isinstance(command, Resolve)
                return Said("Resolved." if resolved else "Acknowledged. You have it.")
            case Unchanged() | NotAllowed():
                return Said(self._as_it_is(pressed))
            case _:
                return Said("It is gone, so nothing was done.")

    def _as_it_is(self, pressed: _Pressed) -> str:
        """Why nothing was done: whoever is on the phone at night asks who has it."""
        one = pressed.told[0]
        incident = self.table.incident(one.incident_id, pressed.deadline)
        if incident is None:
            return "It is gone, so nothing was done."
        who = taken_on_by(incident)
        if incident.status is not Status.ACKNOWLEDGED or who is None:
            if incident.status is Status.OPEN:
                return "It has opened anew since this call, so nothing was done."
            return f"It is {incident.status.lower()} by now, so nothing was done."
        if who == pressed.user.id:
            return "You have it already."
        name = self.directory.user_name(who, pressed.now, pressed.deadline)
        return f"{name} has it already, so nothing was done."

    def _all(self, pressed: _Pressed) -> "Said":
        """Each by itself, as on the page: the failure of one harms no other."""

        def acknowledge(each: Bundled) -> bool:
            try:
                decision = self._perform(pressed, each, Acknowledge(by=pressed.user.id))
            except Unavailable:
                return False
            return isinstance(decision, Transitioned)

        done = sum(self.workers.map(acknowledge, pressed.told))
        rest = len(pressed.told) - done
        left = f" {rest} had changed, or could not be reached: look at the list." if rest else ""
        return Said(f"{done} acknowledged.{left}")

    def _perform(
        self, pressed: _Pressed, one: Bundled, command: Command
    ) -> Transitioned | Unchanged | NotAllowed | None:
        """In the epoch that the call told of, and in no later one."""
        delivery = self.table.delivery(one.incident_id, one.delivery_id, pressed.deadline)
        if delivery is None:
            return None
        service = self.directory.any_service(delivery.service_id, pressed.now, pressed.deadline)
        user = pressed.user
        return perform(
            self.table,
            one.incident_id,
            command,
            actor=Actor(kind=ActorKind.USER, id=user.id, name=user.name),
            now=pressed.now,
            token=self.new_id("act", pressed.now),
            deadline=pressed.deadline,
            timeouts=service.timeouts if service else NEVER,
            epoch=delivery.epoch,
            via=delivery.id,
        )
