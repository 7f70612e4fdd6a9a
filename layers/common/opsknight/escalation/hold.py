"""The hold: an operator stops everything that OpsKnight does by itself, for a while.

Pure. Under a hold nothing is sent, planned, judged or escalated; events are taken, and people act.
A hold ends by itself, and time under it counts for no deadline. Who looks, and how often, is for
`opsknight.runtime.hold_memory` to say.
"""

from datetime import datetime, timedelta
from typing import Final

from pydantic import AwareDatetime

from opsknight.incident.model import Model

# From its start, however often it is renewed: a forgotten hold must not outlast a night.
LONGEST: Final = timedelta(hours=4)
# After a hold the next tick finds what came due, and HIGH goes first: that time counts for no
# deadline either.
CATCHING_UP: Final = timedelta(minutes=3)
# What is not HIGH waits for so long after a hold: the tick may take a
# minute, and a function reads every ten seconds that the hold is over.
HIGH_FIRST: Final = timedelta(seconds=90)
# How long spells are kept. No deadline that time under hold moves is longer.
KEPT: Final = timedelta(days=3)


class Spell(Model):
    """One stretch of time under hold."""

    start: AwareDatetime
    end: AwareDatetime
    by: str = ""
    reason: str = ""


class Hold(Model):
    """All holds of the last days, the oldest first. They do not overlap."""

    spells: tuple[Spell, ...] = ()

    def spell(self, now: datetime) -> Spell | None:
        """The one that is on."""
        on = (each for each in self.spells if each.start <= now < each.end)
        return next(on, None)

    def is_on(self, now: datetime) -> bool:
        return self.spell(now) is not None

    def begun(self, now: datetime, lasts: timedelta, by: str, reason: str) -> "Hold":
        """With a hold that is on from now, or the one that is on with a new end. Raises ValueError
        when it would last for too long.
        """
        current = self.spell(now)
        start = now if current is None else current.start
        if now + lasts - start > LONGEST:
            raise ValueError
        said = reason or (current.reason if current else "")
        new = Spell(start=start, end=now + lasts, by=by, reason=said)
        return self._with(new, now)

    def ended(self, now: datetime) -> "Hold":
        current = self.spell(now)
        if current is None:
            return self
        return self._with(current.model_copy(update={"end": now}), now)

    def _with(self, new: Spell, now: datetime) -> "Hold":
        kept = (each for each in self.spells if each.end + KEPT > now and each.start < new.start)
        return Hold(spells=(*kept, new))

    def counted(self, start: datetime, lasts: timedelta) -> datetime:
        """When so much time has passed since `start` that was not under hold, and not spent on
        catching up after one.
        """
        at = start + lasts
        for each in self.spells:
            over = each.end + CATCHING_UP
            if each.start < at and over > start:
                at += over - max(each.start, start)
                # Two holds in a row: the second's time is not counted twice.
                start = max(start, over)
        return at

    def lateness(self, due: datetime, now: datetime) -> timedelta:
        """For how long it is overdue, without the time under hold."""
        held = (min(each.end, now) - max(each.start, due) for each in self.spells)
        return now - due - sum((max(each, timedelta()) for each in held), timedelta())

    def others_wait_until(self, now: datetime) -> datetime | None:
        """Until when messages about what is not HIGH wait, just after a hold."""
        ends = (each.end + HIGH_FIRST for each in self.spells if each.end <= now)
        return next((until for until in ends if now < until), None)


NO_HOLD: Final = Hold()
