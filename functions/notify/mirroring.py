"""Passes on what waits of a service to the system that the team has used so far.

One process at a time for a service, in the order in which the events came. One that fails holds up
those of its own dedup key alone, and is tried until it is a day old: while the other side takes
others, its key is put aside for a while. After three failures in a row, and when it takes nothing
or asks for a pause, the other side is taken to be away. What the other side can never take is given
up, and with a first trigger the acknowledge and resolve of its key.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final, assert_never

from notify import overtaken
from notify.channels.posting import decoded, encoded, outcome_of
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from notify.channels.webhook import signature
from notify.mirrored import outgoing
from notify.outbound import Answer, Outbound
from notify.queues import Queues
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.mirror import Mirror, System
from opsknight.directory.passing_on import ASIDE_FOR, LONGEST_WAIT, MOST_ASIDE, MirrorState, Passed
from opsknight.incident.model import Action
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.store.calls import Deadline
from opsknight.store.mirrors import Mirrors
from opsknight.store.table import Table

AT_ONCE: Final = 50
MOST_FAILURES: Final = 3
# An attempt takes up to eight seconds more: all of it fits the function's time.
SECONDS: Final = 10.0
# Longer than one process can take.
LEASE: Final = timedelta(seconds=45)
TOLD_WITHIN: Final = timedelta(seconds=90)
# Clocks of two processes differ by less.
CLOCKS: Final = timedelta(seconds=5)
_FORMS: Final = "application/json; charset=utf-8"


_OF_FAILURES: Final = ("failures", "failing_since", "why", "paused_until", "aside")


@dataclass(slots=True)
class _Run:
    """What one process has done for one service."""

    lost: set[str]
    known: frozenset[str]
    """Keys that were put aside before."""
    blocked: set[str] = field(default_factory=set[str])
    settled: int = 0
    failed: set[str] = field(default_factory=set[str])
    in_a_row: int = 0
    why: str | None = None
    after: timedelta | None = None
    sent_at: datetime | None = None
    given_up: str | None = None
    more: bool = False

    def is_away(self, state: MirrorState) -> bool:
        """Whether the other side has to be left alone; otherwise the failures are those of their
        keys, as it takes others. What was aside failed while it did.
        """
        if self.after is not None or self.in_a_row >= MOST_FAILURES:
            return True
        return self.sent_at is None and not self.failed <= state.aside.keys()


@dataclass(frozen=True, slots=True)
class Mirroring:
    table: Table
    http: Outbound
    secrets: Secrets
    queues: Queues
    clock: Callable[[], datetime]

    @property
    def mirrors(self) -> Mirrors:
        return Mirrors(self.table)

    def attend(self, service_id: str, deadline: Deadline) -> None:
        """Raises Unavailable after the deadline."""
        state = self.mirrors.state(service_id, deadline) or MirrorState()
        now = self.clock()
        if state.due_at is None and not self.mirrors.waiting(service_id, 1, deadline):
            return
        if state.is_busy(now):
            # A wakeup for its end is on its way, or this is it and comes early: it was set by the
            # clock of another process, and SQS counts whole seconds.
            if (end := state.paused_until) is not None and now < end <= now + CLOCKS:
                self.queues.pass_on(service_id, end + timedelta(seconds=1), now)
            return
        until = now + LEASE
        if not self.mirrors.lease(service_id, state, until, deadline):
            return
        service = self.table.service(service_id, deadline)
        mirror = service.mirror if service else None
        aside = {key for key, until in state.aside.items() if now < until}
        lost = self.mirrors.lost(service_id, deadline)
        run = _Run(lost, known=frozenset(state.aside), blocked=aside)
        began = deadline.monotonic()
        for passed in self.mirrors.all_waiting(service_id, deadline):
            over = run.settled >= AT_ONCE or deadline.monotonic() - began > SECONDS
            if over or run.in_a_row >= MOST_FAILURES:
                run.more = True
                break
            # However many there are of a key that fails, those of others are behind them.
            if passed.key not in run.blocked:
                run.settled += 1
                self._settle(passed, mirror, run, deadline)
        self._release(service_id, state, until, run, deadline)

    def _settle(self, passed: Passed, mirror: Mirror | None, run: _Run, deadline: Deadline) -> None:
        if mirror is None or (passed.action is not Action.TRIGGER and passed.key in run.lost):
            # Nothing is passed on any more; or it is about what the other side never heard of.
            self._done(passed, run, deadline)
            return
        to_send = overtaken.to_send(passed, self.table, deadline)
        if not to_send:
            self._done(passed, run, deadline)
            return
        sent, outcome = self._send_all(to_send, mirror)
        match outcome:
            case Sent():
                run.in_a_row, run.sent_at = 0, self.clock()
                count("MirrorSent")
                self._done(passed, run, deadline)
            case TemporaryFailure(why, after):
                run.failed.add(passed.key)
                run.in_a_row += passed.key not in run.known
                run.blocked.add(passed.key)
                run.why, run.after = run.why or why, run.after or after
            case PermanentFailure(why):
                count("MirrorLost")
                signal("ReceiverUnhealthy")
                logger.error("an event was not passed on", service_id=passed.service_id, why=why)
                run.given_up = f"{_words(sent)}: {why}"
                if sent.opens and sent.action is Action.TRIGGER:
                    # First this: a resolve must not go out alone.
                    self.mirrors.lose(passed, self.clock(), deadline)
                    run.lost.add(passed.key)
                self.mirrors.remove(passed, deadline)
            case _:
                assert_never(outcome)

    def _done(self, passed: Passed, run: _Run, deadline: Deadline) -> None:
        self.mirrors.remove(passed, deadline)
        # A trigger has arrived after all; or it is over.
        if passed.key in run.lost and passed.action is not Action.ACKNOWLEDGE:
            self.mirrors.found(passed.service_id, passed.key, deadline)
            run.lost.discard(passed.key)

    def _send_all(self, to_send: Sequence[Passed], mirror: Mirror) -> tuple[Passed, Outcome]:
        """The last one that was tried, and what came of it: if it fails, all are sent again."""
        sent, outcome = to_send[0], self._tried(to_send[0], mirror)
        for each in to_send[1:]:
            if isinstance(outcome, Sent):
                sent, outcome = each, self._tried(each, mirror)
        return sent, outcome

    def _tried(self, passed: Passed, mirror: Mirror) -> Outcome:
        if self.clock() - passed.at > LONGEST_WAIT:
            return PermanentFailure("it waited for a day")
        try:
            return self._send(passed, mirror)
        # One event that makes no sense to us is put aside like one that the other side refuses for
        # now, and is given up like it: those behind it go on.
        except Exception:
            signal("Failures")
            logger.exception("an event could not be passed on", service_id=passed.service_id)
            return TemporaryFailure("it could not be written")

    def _send(self, passed: Passed, mirror: Mirror) -> Outcome:
        http, is_wrong = self.http.bounded(), False

        def attempt(secret: str) -> Outcome:
            sent = outgoing(passed, mirror, secret)
            body = encoded(sent.payload)
            headers = {"Content-Type": _FORMS, **self._headers(mirror, secret, body)}
            answer = http.post(sent.url, body, headers)
            if not isinstance(answer, Answer):
                # An address that is not allowed is somebody's mistake, and can be mended.
                return TemporaryFailure(answer.why)
            nonlocal is_wrong
            is_wrong = _is_wrong(answer)
            return outcome_of(answer)

        outcome = self.secrets.using(mirror.secret, attempt) if mirror.secret else attempt("")
        if isinstance(outcome, PermanentFailure) and not is_wrong:
            # A key, secret or address can be mended, too: nothing is given up for it.
            return TemporaryFailure(outcome.why)
        return outcome

    def _headers(self, mirror: Mirror, secret: str, body: bytes) -> dict[str, str]:
        match mirror.to:
            case System.PAGERDUTY:
                return {}
            case System.OPSGENIE:
                return {"Authorization": f"GenieKey {secret}"}
            case System.WEBHOOK:
                timestamp = str(int(self.clock().timestamp()))
                signed = (
                    {"X-OpsKnight-Signature": signature(secret, timestamp, body)} if secret else {}
                )
                return {"X-OpsKnight-Timestamp": timestamp, **signed}
            case _:
                assert_never(mirror.to)

    def _release(
        self, service_id: str, state: MirrorState, until: datetime, run: _Run, deadline: Deadline
    ) -> None:
        now = self.clock()
        aside = {key: at for key, at in state.aside.items() if now < at}
        changes: dict[str, object] = dict.fromkeys(_OF_FAILURES)
        again: datetime | None = None
        if run.failed:
            changes |= {"failing_since": state.failing_since or now, "why": run.why}
            if run.is_away(state) or len(aside) + len(run.failed) > MOST_ASIDE:
                again = now + state.again_after(run.after)
                changes |= {"failures": state.failures + 1, "paused_until": again}
            else:
                aside |= dict.fromkeys(run.failed, now + ASIDE_FOR)
        elif aside:
            # They fail still, for all that is known.
            changes |= {"failing_since": state.failing_since, "why": state.why}
        if aside:
            changes["aside"] = aside
            again = again or (now if run.more else min(aside.values()))
        elif run.more:
            again = again or now
        if run.sent_at is not None:
            changes["sent_at"] = run.sent_at
        if run.given_up is not None:
            changes |= {"lost_at": now, "lost": run.given_up}
        untold = run.given_up is not None or state.lost_untold
        # Until a tick has seen it.
        later = now + TOLD_WITHIN if untold else None
        mirrors = self.mirrors
        if again is None:
            mirrors.change_held(service_id, until, changes, deadline)
            if mirrors.rest(service_id, until, state.noted, deadline, due_at=later):
                return
            # Something has come meanwhile.
            again, changes = now, {}
        released = mirrors.release(service_id, until, {**changes, "due_at": again}, deadline)
        # For those put aside before, a wakeup is on its way; or this was it, a little early.
        if released and (run.failed or run.more or again <= now + CLOCKS):
            self.queues.pass_on(service_id, max(again, now), now)
        logger.info("passed on", service_id=service_id, failures=len(run.failed), why=run.why)


def _is_wrong(answer: Answer) -> bool:
    """Whether the event itself can never be taken. PagerDuty answers a wrong key alike, but for its
    words.
    """
    said = str(decoded(answer).get("errors", "")).lower()
    return answer.status in (400, 413, 422) and "routing key" not in said


def _words(passed: Passed) -> str:
    return f"{passed.action} {passed.key[:100]}"
