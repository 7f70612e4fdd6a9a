"""How DynamoDB is called: what is tried again, for how long, and in which words it fails.

A refused condition is an answer (`Conflict`). Throttling, a transaction in conflict and an unknown
outcome are tried again with full jitter until the deadline (`Unavailable`). Everything else is our
own fault and passes untouched.

Pauses grow, to spare a DynamoDB in trouble; after a conflict they do not. Where plain writes come
without end, a transaction gets through in a gap between two of them, and whoever waits ever longer
misses the gaps (ADR 27).
"""

import random
import time
from collections.abc import Callable
from dataclasses import field, replace
from functools import partial
from hashlib import sha256
from typing import Final

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from opsknight.classes import dataclass

# One attempt: the loop below owns the retries, so that one deadline bounds them.
TABLE_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"}
)
# A slow limiter must not hold up an event.
RATES_CONFIG: Final = Config(
    connect_timeout=0.3, read_timeout=0.3, retries={"total_max_attempts": 1, "mode": "standard"}
)

# Refused, timed out or cut off: the request may or may not have been carried out.
NO_ANSWER: Final = (ConnectionError, HTTPClientError)

THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ThrottlingError",
    }
)
IN_CONFLICT: Final = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
    }
)
_PASSING: Final = frozenset(
    {
        *THROTTLED,
        *IN_CONFLICT,
        "InternalServerError",
        "InternalFailure",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)
_LONGEST_TOKEN: Final = 36
REFUSED: Final = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})

FIRST_PAUSE: Final = 0.02
# For `Deadline.at_least`: what was sent and is not recorded is sent once more.
RECORD_SECONDS: Final = 2.0
LONGEST_PAUSE: Final = 1.0
CONFLICT_PAUSE: Final = 0.01


def once(name: str) -> str:
    """The `ClientRequestToken` by which a transaction of this name is carried out once, however
    often it is sent. DynamoDB takes 36 characters; a number at the end makes a name longer one day.
    """
    return (
        name if len(name) <= _LONGEST_TOKEN else sha256(name.encode()).hexdigest()[:_LONGEST_TOKEN]
    )


class Conflict(Exception):
    """A condition did not hold: what was seen is no longer so. Read and decide again."""


class Contended(Conflict):
    """Others write the same items at this moment, and this request has written nothing: what was
    seen is probably not so any more.
    """


class Unavailable(Exception):
    """DynamoDB did not take the request before the deadline."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when one request or message may keep trying, by a monotonic clock in seconds."""

    at: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    # From the system: the state of `random` is in a snapshot, and twins of SnapStart would pause as
    # one.
    chance: Callable[[], float] = field(default=random.SystemRandom().random)

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def within(self, seconds: float) -> "Deadline":
        """This one, or an earlier one that many seconds from now."""
        return replace(self, at=min(self.at, self.monotonic() + seconds))

    def at_least(self, seconds: float) -> "Deadline":
        """This one, or a later one that many seconds from now: to record what has been sent,
        however long that took.
        """
        return replace(self, at=max(self.at, self.monotonic() + seconds))

    def later(self, seconds: float) -> "Deadline":
        """That many seconds after this one: for what is due when this one's time may be used up."""
        return replace(self, at=self.at + seconds)

    def check(self) -> None:
        """Raises Unavailable when the time is up."""
        if self.monotonic() >= self.at:
            raise Unavailable("DynamoDB: no time left")

    def pause(self, attempt: int, cause: Exception) -> None:
        """Waits before the next attempt (full jitter); raises Unavailable when time is up."""
        self._pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 10)), cause)

    def pause_for_conflict(self, cause: Exception) -> None:
        """The same after a conflict, however many there were before."""
        self._pause(CONFLICT_PAUSE, cause)

    def _pause(self, most: float, cause: Exception) -> None:
        pause = self.chance() * most
        if self.monotonic() + pause >= self.at:
            raise Unavailable(f"DynamoDB: {cause}") from cause
        self.sleep(pause)


def codes(error: ClientError) -> set[str]:
    """The error code, or for a cancelled transaction those of its items."""
    if error.response["Error"]["Code"] == "TransactionCanceledException":
        reasons = error.response.get("CancellationReasons", [])
        return {reason.get("Code", "None") for reason in reasons} - {"None"}
    return {error.response["Error"]["Code"]}


def is_passing(error: ClientError) -> bool:
    """Whether the same request may well be taken a little later."""
    found = codes(error)
    # All of them: one item refused for a lasting reason makes repeating pointless. Of an answer
    # that is not DynamoDB's, a proxy's perhaps, only the status tells.
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or (bool(found) and found <= _PASSING)


def may_be_done(error: ClientError) -> bool:
    """Whether the request may have been carried out in spite of this answer."""
    found = codes(error)
    return is_passing(error) and not (found and found <= THROTTLED | IN_CONFLICT)


def retrying[**P, T](
    deadline: Deadline, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Calls until there is an outcome.

    Raises Conflict when a condition did not hold, Unavailable when the deadline passed. The call
    must be safe to repeat: reads are, unconditional puts of the same item are, and transactions are
    by their ClientRequestToken. A count of alerts that may be one too many is safe enough.
    """
    return _called(deadline, partial(call, *args, **kwargs), yields=False)


def yielding[**P, T](
    deadline: Deadline, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The same for a transaction that is decided anew, not repeated, when others are in its way:
    raises Contended then. After an unknown outcome it is repeated all the same, as it may have been
    carried out.
    """
    return _called(deadline, partial(call, *args, **kwargs), yields=True)


def _called[T](deadline: Deadline, call: Callable[[], T], *, yields: bool) -> T:
    failures = 0
    while True:
        # Before every call, not only after a failure: calls that are slow but succeed use up time.
        deadline.check()
        try:
            return call()
        except ClientError as error:
            if codes(error) & REFUSED:
                raise Conflict from error
            if not is_passing(error):
                raise
            if codes(error) <= IN_CONFLICT:
                if yields and not failures:
                    raise Contended from error
                deadline.pause_for_conflict(error)
                continue
            cause: Exception = error
        except NO_ANSWER as error:
            cause = error
        deadline.pause(failures, cause)
        failures += 1


def decide_again[T](deadline: Deadline, attempt: Callable[[int], T]) -> T:
    """Calls `attempt` until it raises no Conflict, and returns what it returns.

    An attempt reads, decides and writes on the condition that what it read still holds; its
    argument is its number, from 0. Raises Unavailable after the deadline.
    """
    number = 0
    while True:
        try:
            return attempt(number)
        except Contended as contended:
            deadline.pause_for_conflict(contended)
        except Conflict as conflict:
            deadline.pause(number, conflict)
        number += 1
