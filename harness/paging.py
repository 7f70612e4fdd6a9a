"""The rules of paging again, small and independent, to compare the product with.

Imports nothing of the product. The policy is fixed: three steps of one user each, a second round,
then it is exhausted. Either the provider takes all pages of the night, or none.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

MINUTE: Final = timedelta(minutes=1)
USERS: Final = ("ada", "ben", "cem")
DELAYS: Final = (0, 5, 10)
"""Minutes before each step."""
PAUSE: Final = 10
"""Minutes between the rounds."""
ROUNDS: Final = 2
REPEATED: Final = (5, 10, 20, 40, 60)
"""Minutes until a round that reached nobody comes again: the first time, the second, and so on."""
FORGIVEN: Final = timedelta(hours=24)
"""For so long such rounds come again. Then they count."""
TIMEOUT: Final = 15
"""Minutes until an acknowledged incident opens again."""
SNOOZE: Final = 7
ASSIGNEE: Final = "eve"

OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED = "OPEN", "ACKNOWLEDGED", "SNOOZED", "SUPPRESSED"
RESOLVED: Final = "RESOLVED"


@dataclass
class Paged:
    """One incident. `pages` are (number, user), in order; a step that reaches nobody counts too."""

    at: datetime | None
    """When the next step is due, or the status ends."""
    status: str = OPEN
    following: int = 0
    """The step that comes next; len(USERS) when the round is over."""
    current: int | None = None
    rounds: int = 1
    wish: str = ""
    """"again" or "next": the step that somebody requested, in place of the one that is due."""
    mine: bool = False
    """Whether it is reassigned to one user, and the policy is over."""
    works: bool = True
    """Whether the provider takes pages."""
    over: datetime | None = None
    """When the last step of the round was taken."""
    repeats: int = 0
    """How often in a row a round came again."""
    silent_since: datetime | None = None
    """The end of the first round that reached nobody."""
    fallback_at: datetime | None = None
    """When the fallback address is to be told."""
    reminds: bool = False
    """Whether it has been told, and is reminded until somebody acts."""
    number: int = 0
    pages: list[tuple[int, str]] = field(default_factory=list)

    def does(self, what: str, now: datetime, step: int | None = None) -> bool:
        """Somebody carries out a command; returns whether that is possible. `step` is the one to
        escalate to, if not the next.
        """
        match what, self.status:
            case _, "RESOLVED":
                return False
            case "acknowledge", _ if self.status != ACKNOWLEDGED:
                self._leaves(ACKNOWLEDGED, now + TIMEOUT * MINUTE)
            case "resolve", _:
                self._leaves(RESOLVED, None)
            case "snooze", "OPEN" | "ACKNOWLEDGED" | "SNOOZED":
                self._leaves(SNOOZED, now + SNOOZE * MINUTE)
            case "suppress", _ if self.status != SUPPRESSED:
                self._leaves(SUPPRESSED, None)
            case ("unsnooze", "SNOOZED") | ("unsuppress", "SUPPRESSED"):
                self._resumes(now)
            case "escalate", "OPEN" | "ACKNOWLEDGED":
                if self.wish == "next":
                    return False
                self.status, self.at, self.wish, self.mine = OPEN, now, "next", False
                self.following = self.following if step is None else step
                self.repeats, self.silent_since = 0, None
                self.fallback_at, self.reminds = None, False
            case "reassign", "OPEN":
                self.at, self.wish, self.mine = now, "again", True
                self.fallback_at, self.reminds = None, False
            case "reassign", _:
                pass
            case _:
                return False
        return True

    def wakes(self, now: datetime) -> None:
        """Something wakes the engine, which does all that is due."""
        while next_at := min(filter(None, (self.at, self.fallback_at)), default=None):
            if next_at > now:
                return
            if next_at == self.fallback_at:
                self.fallback_at, self.reminds = None, True
                continue
            match self.status:
                case "SNOOZED":
                    self._resumes(now)
                case "ACKNOWLEDGED":
                    self.status, self.at, self.mine = OPEN, now, False
                    self.following, self.current, self.rounds = 0, None, 1
                    self.repeats, self.silent_since = 0, None
                case _:
                    self._steps(now)

    def _leaves(self, status: str, until: datetime | None) -> None:
        self.status, self.at, self.wish = status, until, ""
        self.fallback_at, self.reminds = None, False

    def _resumes(self, now: datetime) -> None:
        begun = self.current is not None
        self.status, self.at, self.mine = OPEN, now, False
        self.wish = "again" if begun else ""
        if not begun:
            # The requested step is forgotten with the wish: the policy begins.
            self.following = 0

    def _steps(self, now: datetime) -> None:
        wish, self.wish = self.wish, ""
        if self.mine:
            self.number += 1
            self.pages.append((self.number, ASSIGNEE))
            self.at = None
            # The assignee has as long as a round: otherwise somebody else must hear of it.
            self.fallback_at = now + PAUSE * MINUTE
            return
        taken = self.following
        if wish == "again" and self.current is not None:
            taken = self.current
        elif taken == len(USERS):
            taken = 0
            if wish != "next" and not self._again(now):
                return
        self.number += 1
        self.pages.append((self.number, USERS[taken]))
        self.current, self.following = taken, taken + 1
        if self.following < len(USERS):
            self.at = now + DELAYS[self.following] * MINUTE
        else:
            self.over, self.at = now, now + min(PAUSE, self._repeated()) * MINUTE

    def _again(self, now: datetime) -> bool:
        """After the last step: whether a round begins now, the same one again or the next."""
        assert self.over is not None
        if self.works:
            self.repeats, self.silent_since = 0, None
        elif self.silent_since is None:
            self.silent_since, self.fallback_at = self.over, now
        counts = self.works or (self.silent_since and now - self.silent_since >= FORGIVEN)
        rests_until = self.over + (PAUSE if counts else self._repeated()) * MINUTE
        if now < rests_until:
            self.at = rests_until
            return False
        if not counts:
            self.repeats += 1
        elif self.rounds == ROUNDS:
            self.number += 1
            self.at, self.fallback_at = None, now
            return False
        else:
            self.rounds += 1
        return True

    def _repeated(self) -> int:
        return REPEATED[min(self.repeats, len(REPEATED) - 1)]
