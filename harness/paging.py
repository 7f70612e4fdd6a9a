"""The rules of paging again, small and independent, to compare the product with.

Imports nothing of the product. The policy is fixed: three steps of one user each, a second round,
then it is exhausted.
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
            case "reassign", "OPEN":
                self.at, self.wish, self.mine = now, "again", True
            case "reassign", _:
                pass
            case _:
                return False
        return True

    def wakes(self, now: datetime) -> None:
        """Something wakes the engine, which does all that is due."""
        while self.at is not None and self.at <= now:
            match self.status:
                case "SNOOZED":
                    self._resumes(now)
                case "ACKNOWLEDGED":
                    self.status, self.at, self.mine = OPEN, now, False
                    self.following, self.current, self.rounds = 0, None, 1
                case _:
                    self._steps(now)

    def _leaves(self, status: str, until: datetime | None) -> None:
        self.status, self.at, self.wish = status, until, ""

    def _resumes(self, now: datetime) -> None:
        begun = self.current is not None
        self.status, self.at, self.mine = OPEN, now, False
        self.wish = "again" if begun else ""
        if not begun:
            # The requested step is forgotten with the wish: the policy begins.
            self.following = 0

    def _steps(self, now: datetime) -> None:
        wish, self.wish = self.wish, ""
        self.number += 1
        if self.mine:
            self.pages.append((self.number, ASSIGNEE))
            self.at = None
            return
        taken = self.following
        if wish == "again" and self.current is not None:
            taken = self.current
        elif taken == len(USERS):
            taken = 0
            if wish != "next":
                if self.rounds == ROUNDS:
                    self.at = None
                    return
                self.rounds += 1
        self.pages.append((self.number, USERS[taken]))
        self.current, self.following = taken, taken + 1
        over = self.following == len(USERS)
        self.at = now + (PAUSE if over else DELAYS[self.following]) * MINUTE
