"""Replies by text message: whoever was told of an incident acts from where they are.

A text message's sender can be forged, so a reply needs a code that only the phone has shown.
Whatever it does is confirmed to the person's other methods, too: they learn of it if it was not
them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, assert_never

from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel, masked_number
from opsknight.incident.commands import Acknowledge, Command, Resolve
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.model import NEVER, Actor, ActorKind, Incident, Status
from opsknight.incident.taking import taken_on_by
from opsknight.notification.recipients import methods
from opsknight.notification.replies import (
    MOST_AT_ONCE,
    Acknowledges,
    AcknowledgesAll,
    AsksForCodes,
    OpenCode,
    Resolves,
    Starts,
    Stops,
    Unknown,
    read,
    same_sender,
)
from opsknight.notification.requested import answer_deliveries
from opsknight.runtime.queues import Queue
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.calls import Deadline
from opsknight.store.execute import perform
from opsknight.store.replies import Replies
from opsknight.store.table import Table
from respond.confirming import confirm_address
from respond.whole_directory import WholeDirectory

LONGEST_TITLE: Final = 60
SHOWN_CODES: Final = 5
# A storm shows thousands.
LOOKED_UP: Final = 300


@dataclass(frozen=True, slots=True)
class Inbound:
    """A text message that a provider received for us."""

    id: str
    """The provider's own, unique."""
    sender: str
    to: str
    """Our number."""
    text: str


@dataclass(frozen=True, slots=True)
class _Act:
    """One reply, with what it needs."""

    inbound: Inbound
    codes: Sequence[OpenCode]
    """Those that work, the one shown last first, of people whose number the sender still is."""
    users: dict[str, User]
    now: datetime
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Texts:
    table: Table
    directory: WholeDirectory
    pages: Queue
    new_id: Callable[[str, datetime], str]

    @property
    def replies(self) -> Replies:
        return Replies(self.table)

    def take(
        self, inbound: Inbound, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> None:
        """Acts on the message, once. Raises Unavailable: its provider brings it again."""
        if not self.replies.begin(inbound.id, now, deadline):
            log_fields["result"] = "repeated"
            return
        reply = read(inbound.text)
        log_fields["reply"] = type(reply).__name__
        match reply:
            case Stops():
                self._stop(inbound, now, deadline)
            case Starts():
                self._start(inbound, now, deadline)
            case _ if self.replies.is_silenced(inbound.sender, now, deadline):
                log_fields["result"] = "silenced"
            case _:
                act = self._read(inbound, now, deadline)
                log_fields["result"] = self._act(reply, act)
        self.replies.done(inbound.id, deadline)

    def _read(self, inbound: Inbound, now: datetime, deadline: Deadline) -> _Act:
        codes = [
            each
            for each in self.replies.open(inbound.sender, now, deadline)
            if same_sender(each.sender, inbound.to)
        ]
        users = self.table.users({each.user_id for each in codes}, deadline)
        theirs = {
            name: user
            for name, user in users.items()
            if not user.disabled and _texts_to(user, inbound.sender)
        }
        kept = [each for each in codes if each.user_id in theirs]
        return _Act(inbound, kept, theirs, now, deadline)

    def _act(
        self,
        reply: Acknowledges | AcknowledgesAll | Resolves | AsksForCodes | Unknown,
        act: _Act,
    ) -> str:
        match reply:
            case Acknowledges(code) | Resolves(code) | AcknowledgesAll(code):
                named = next((each for each in act.codes if each.code == code), None)
                if named is None:
                    self.replies.count_wrong(act.inbound.sender, act.now, act.deadline)
                    return "wrong code"
                if isinstance(reply, AcknowledgesAll):
                    said = self._all(act, named)
                else:
                    said = self._one(act, named, resolve=isinstance(reply, Resolves))
                user, number = act.users[named.user_id], act.inbound.sender
                confirm_address(self.table, user, (Channel.SMS, number), act.now, act.deadline)
                return said
            case AsksForCodes():
                return self._list(act)
            case Unknown():
                # Chatter is no attempt to guess, and gets no answer: two machines could go on.
                return "ignored"
            case _:
                assert_never(reply)

    def _one(self, act: _Act, named: OpenCode, *, resolve: bool) -> str:
        user = act.users[named.user_id]
        command: Command = Resolve() if resolve else Acknowledge(by=user.id)
        decision, incident = self._perform(act, named, command)
        title = "" if incident is None else f': "{incident.title[:LONGEST_TITLE]}"'
        match decision:
            case Transitioned():
                said = f"{'Resolved' if resolve else 'Acknowledged: you have it'}{title}"
            case Unchanged():
                said = f"{self._has(incident, act)} already{title}"
            case NotAllowed(status=status):
                said = f"It is {status.lower()}, so nothing was done{title}"
            case _:
                said = "It is gone, so nothing was done."
        self._confirm(act, user, said)
        return said.partition(":")[0]

    def _all(self, act: _Act, named: OpenCode) -> str:
        """Only what is open, and what the phone has shown in the last hour; it never resolves."""
        user = act.users[named.user_id]
        mine = [each for each in act.codes if each.user_id == user.id]
        recent = self.replies.recent(mine, act.now)[:MOST_AT_ONCE]
        known = self.table.incidents((each.incident_id for each in recent), act.deadline)
        done = 0
        for each in recent:
            incident = known.get(each.incident_id)
            if incident is None or incident.status is not Status.OPEN:
                continue
            decision, _ = self._perform(act, each, Acknowledge(by=user.id), incident.epoch)
            done += isinstance(decision, Transitioned)
        said = f"{done} acknowledged."
        self._confirm(act, user, said)
        return said

    def _list(self, act: _Act) -> str:
        """The codes that are open: a digit alone does not say of which incident."""
        latest = act.codes[:LOOKED_UP]
        known = self.table.incidents((each.incident_id for each in latest), act.deadline)
        lines: dict[str, list[str]] = {}
        for each in latest:
            incident = known.get(each.incident_id)
            if incident is not None and incident.status is not Status.RESOLVED:
                line = f"{each.code} {incident.title[:LONGEST_TITLE]}"
                lines.setdefault(each.user_id, []).append(line)
        # Whoever forges the sender makes us send, and pay for, no more than one a minute.
        number, minute = act.inbound.sender, int(act.now.timestamp() // 60)
        once = replace(act.inbound, id=f"codes {number} {minute}")
        for user_id, found in lines.items():
            said = "Say of which, such as " + "; ".join(found[:SHOWN_CODES])
            self._answer(once, act.users[user_id], said, None, act.now)
        return "codes"

    def _perform(
        self, act: _Act, named: OpenCode, command: Command, epoch: int | None = None
    ) -> tuple[Transitioned | Unchanged | NotAllowed | None, Incident | None]:
        user = act.users[named.user_id]
        service = self.directory.any_service(named.service_id, act.now, act.deadline)
        decision = perform(
            self.table,
            named.incident_id,
            command,
            actor=Actor(kind=ActorKind.USER, id=user.id, name=user.name),
            now=act.now,
            token=self.new_id("act", act.now),
            deadline=act.deadline,
            timeouts=service.timeouts if service else NEVER,
            epoch=epoch,
            via=named.delivery_id,
        )
        return decision, self.table.incident(named.incident_id, act.deadline)

    def _has(self, incident: Incident | None, act: _Act) -> str:
        who = taken_on_by(incident) if incident else None
        if who is None:
            return "It is acknowledged"
        if who in act.users:
            return "You have it"
        return f"{self.directory.user_name(who, act.now, act.deadline)} has it"

    def _confirm(self, act: _Act, user: User, said: str) -> None:
        elsewhere = f"By text message from {masked_number(act.inbound.sender)}: {said}"
        self._answer(act.inbound, user, said, elsewhere, act.now)

    def _answer(
        self, inbound: Inbound, user: User, said: str | None, elsewhere: str | None, now: datetime
    ) -> None:
        """`said` goes back to the number, `elsewhere` to the person's other methods but calls."""
        texts: dict[str, str] = {}
        for each in methods(user):
            mine = each.channel is Channel.SMS and each.to == inbound.sender
            text = said if mine else elsewhere
            if text is not None and each.channel is not Channel.VOICE:
                texts[each.id] = text
        answer_id = f"answer_{sha256(inbound.id.encode()).hexdigest()[:28]}"
        deliveries = answer_deliveries(answer_id, user, texts, now)
        for delivery in deliveries:
            self.table.plan_delivery(delivery, Deadline.after(5))
        self.pages.enqueue([delivery_wakeup(each, now) for each in deliveries], now)

    def _stop(self, inbound: Inbound, now: datetime, deadline: Deadline) -> None:
        if not self.replies.opt_out(inbound.sender, inbound.id, now, deadline):
            # Anybody can forge a thousand in this number's name, so we notify the person once.
            return
        found = self._whose(inbound.sender, now, deadline)
        said = (
            f"Text messages to {masked_number(inbound.sender)} have stopped, as you replied STOP."
            " Pages go to your other methods. Send START to the same number to have them again."
        )
        for user in found:
            self._answer(inbound, user, None, said, now)
            only = all(each.channel is Channel.SMS for each in methods(user))
            # The operator hears of it by the alarm on receivers that cannot be reached.
            signal("ReceiverUnhealthy")
            logger.error(
                "a number replied STOP: its text messages stop", user_id=user.id, only_method=only
            )

    def _start(self, inbound: Inbound, now: datetime, deadline: Deadline) -> None:
        if not self.replies.opted_out([inbound.sender], deadline):
            return
        for user in self._whose(inbound.sender, now, deadline):
            said = f"Text messages to {masked_number(inbound.sender)} go out again."
            self._answer(inbound, user, "Text messages go out again.", said, now)
            logger.info("a number replied START", user_id=user.id)
        # Last: a function that dies before this notifies the person again.
        self.replies.opt_in(inbound.sender, deadline)

    def _whose(self, number: str, now: datetime, deadline: Deadline) -> list[User]:
        return [
            user
            for user in self.directory.users(now, deadline)
            if not user.disabled and _texts_to(user, number)
        ]


def _texts_to(user: User, number: str) -> bool:
    return any(each.channel is Channel.SMS and each.to == number for each in methods(user))
