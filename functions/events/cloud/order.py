"""AWS delivers more than once, and not in order. What an event of a key does is written together
with the time at which it happened, on the condition that nothing newer was taken meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from opsknight.classes import dataclass
from opsknight.incident.decisions import Ignored, NotAllowed, Repeated, Unchanged
from opsknight.incident.members import GroupDecision
from opsknight.integrations.aws import Told
from opsknight.runtime.telemetry import count, logger
from opsknight.store.calls import Deadline
from opsknight.store.execute import Beside
from opsknight.store.moments import Moment, Scope

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


class Stale(Exception):
    """The event changes nothing any more. The text says why."""


LATE: Final = "a newer event of it was taken before"
REPEATED: Final = "it was taken before"


@dataclass(slots=True)
class Order:
    """One event, from the look at what came before it until it is noted."""

    scope: Scope
    told: Told
    now: datetime
    deadline: Deadline
    _seen: Moment | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)
    _written: bool = field(default=False, init=False)

    def take[T](self, act: Callable[[Beside], T], stored: Callable[[T], bool]) -> T:
        """Calls it with what it has to write besides. Raises Stale, and whatever it raises.

        `stored` says of its result whether the event is taken.
        """
        self._look()
        result = act(self._beside)
        while stored(result) and not self._written:
            # It did nothing, and what is older must not do anything either.
            self._written = self.scope.note(self._seen, self._moment, self.now, self.deadline)
            if not self._written:
                try:
                    self._look()
                except Stale:
                    break
        return result

    def _look(self) -> None:
        told, seen = self.told, self.scope.seen(self.told.key, self.deadline)
        self._seen = seen
        if seen is None:
            return
        if seen.identity == told.identity:
            raise Stale(REPEATED)
        if told.at < seen.at:
            count("Late")
            logger.warning("an event of AWS came too late", key=told.key, at=told.at.isoformat())
            self.scope.note_late(seen, self.now, self.deadline)
            raise Stale(LATE)

    @property
    def _moment(self) -> Moment:
        told, seen = self.told, self._seen
        return Moment(
            key=told.key,
            at=told.at,
            identity=told.identity,
            action=told.draft.action,
            late=seen.late if seen else 0,
            late_at=seen.late_at if seen else None,
        )

    def _beside(self, decision: GroupDecision | NotAllowed) -> "Sequence[Write]":
        if self._asked:
            # Somebody was faster: perhaps with a newer one of the same key.
            self._look()
        self._asked = True
        match decision:
            case Repeated() | Unchanged() | Ignored() | NotAllowed():
                self._written = False
                return []
            case _:
                self._written = True
                return [self.scope.write(self._seen, self._moment, self.now)]
