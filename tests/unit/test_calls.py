"""What is tried again, until when, and which word a failure gets."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from opsknight.runtime import clock
from opsknight.store.calls import (
    CONFLICT_PAUSE,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    RATES_CONFIG,
    TABLE_CONFIG,
    Conflict,
    Deadline,
    Unavailable,
    codes,
    decide_again,
    once,
    retrying,
)

URL = {"endpoint_url": "https://dynamodb.us-east-1.amazonaws.com"}


def refused(code: str, *reasons: str) -> ClientError:
    response = {"Error": {"Code": code, "Message": "no"}}
    if reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]  # type: ignore[assignment]
    return ClientError(response, "TransactWriteItems")  # type: ignore[arg-type]


def cancelled(*reasons: str) -> ClientError:
    return refused("TransactionCanceledException", *reasons)


@dataclass
class Seconds:
    """A clock that moves by sleeping only."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def until(self, seconds: float, chance: float = 1.0) -> Deadline:
        return Deadline(
            self.now + seconds, monotonic=lambda: self.now, sleep=self.sleep, chance=lambda: chance
        )


class Failing:
    """Fails in turn as told, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors: Iterator[Exception] = iter(errors)
        self.calls = 0

    def __call__(self, *, word: str) -> str:
        self.calls += 1
        if error := next(self.errors, None):
            raise error
        return word


PASSING = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
]
PASSING_REASONS = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
UNKNOWN_OUTCOMES = [
    ReadTimeoutError(**URL),
    ConnectionClosedError(**URL),
    HTTPClientError(error="reset"),
    ConnectTimeoutError(**URL),
    EndpointConnectionError(**URL, error="refused"),
    SSLError(**URL, error=OSError("handshake")),
]
TRIED_AGAIN = [
    *(pytest.param(refused(code), id=code) for code in PASSING),
    *(pytest.param(cancelled("None", reason), id=reason) for reason in PASSING_REASONS),
    pytest.param(cancelled("TransactionConflict", "ThrottlingError"), id="two passing reasons"),
    *(pytest.param(error, id=type(error).__name__) for error in UNKNOWN_OUTCOMES),
]
LASTING = [
    pytest.param(error, id=str(sorted(codes(error)) or "no reason"))
    for error in [
        refused("ValidationException"),
        refused("AccessDeniedException"),
        refused("ResourceNotFoundException"),
        refused("IdempotentParameterMismatchException"),
        cancelled("ValidationError"),
        cancelled("ValidationError", "TransactionConflict"),
        cancelled("ItemCollectionSizeLimitExceeded"),
        cancelled(),
    ]
]
CONDITIONS = [
    pytest.param(error, id=str(sorted(codes(error))))
    for error in [
        refused("ConditionalCheckFailedException"),
        cancelled("None", "ConditionalCheckFailed", "None"),
        cancelled("ConditionalCheckFailed", "TransactionConflict"),
        cancelled("ThrottlingError", "ConditionalCheckFailed"),
    ]
]


@pytest.mark.parametrize("error", TRIED_AGAIN)
def test_passing_trouble_is_tried_again(error: Exception) -> None:
    call = Failing(error, error)
    assert retrying(Seconds().until(8), call, word="done") == "done"
    assert call.calls == 3


@pytest.mark.parametrize("error", TRIED_AGAIN)
def test_after_the_deadline_it_is_unavailable(error: Exception) -> None:
    call = Failing(error)
    with pytest.raises(Unavailable) as gave_up:
        retrying(Seconds().until(1e-9), call, word="done")
    assert gave_up.value.__cause__ is error
    assert call.calls == 1


def test_no_call_begins_after_the_deadline() -> None:
    call = Failing()
    with pytest.raises(Unavailable):
        retrying(Seconds().until(0), call, word="done")
    assert call.calls == 0


def test_a_shorter_deadline_never_outlives_the_first() -> None:
    deadline = Seconds().until(8)
    assert deadline.within(1).at == deadline.monotonic() + 1
    assert deadline.within(60).at == deadline.at


@pytest.mark.parametrize("error", CONDITIONS)
def test_a_refused_condition_is_a_conflict_at_once(error: ClientError) -> None:
    call = Failing(error)
    with pytest.raises(Conflict) as conflict:
        retrying(Seconds().until(8), call, word="done")
    assert conflict.value.__cause__ is error
    assert call.calls == 1


@pytest.mark.parametrize("error", LASTING)
def test_our_own_fault_passes_untouched(error: ClientError) -> None:
    call = Failing(error)
    with pytest.raises(ClientError) as passed:
        retrying(Seconds().until(8), call, word="done")
    assert passed.value is error
    assert call.calls == 1


def test_other_faults_of_botocore_pass_untouched() -> None:
    with pytest.raises(NoCredentialsError):
        retrying(Seconds().until(8), Failing(NoCredentialsError()), word="done")


def test_faults_of_ours_are_no_faults_of_dynamodb() -> None:
    assert not issubclass(ValueError, BotoCoreError)
    with pytest.raises(ValueError, match="ours"):
        retrying(Seconds().until(8), Failing(ValueError("ours")), word="done")


def test_pauses_double_up_to_a_bound() -> None:
    seconds = Seconds()
    often = 1100
    throttled = [refused("ThrottlingException")] * often
    retrying(seconds.until(2 * often), Failing(*throttled), word="done")
    doubling = [FIRST_PAUSE * 2 ** min(attempt, 99) for attempt in range(often)]
    assert seconds.slept == [min(LONGEST_PAUSE, pause) for pause in doubling]
    assert seconds.slept[-1] == LONGEST_PAUSE


@pytest.mark.parametrize(
    "error", [cancelled("None", "TransactionConflict"), refused("TransactionConflictException")]
)
def test_pauses_after_conflicts_do_not_grow(error: ClientError) -> None:
    """Whoever waits ever longer for a gap between plain writes misses the gaps."""
    seconds = Seconds()
    throttled = refused("ThrottlingException")
    errors = [error, error, throttled, error, throttled, error, throttled, throttled]
    retrying(seconds.until(60), Failing(*errors), word="done")
    conflict, first = CONFLICT_PAUSE, FIRST_PAUSE
    growing = [first, first * 2, first * 4, first * 8]
    assert seconds.slept == [
        *(conflict, conflict, growing[0], conflict),
        *(growing[1], conflict, growing[2], growing[3]),
    ]


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0], ids=str)
def test_full_jitter_from_nothing_to_the_bound(chance: float) -> None:
    seconds = Seconds()
    deadline = seconds.until(60, chance)
    for attempt in range(12):
        deadline.pause(attempt, refused("ThrottlingException"))
    bounds = [min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) for attempt in range(12)]
    assert seconds.slept == [chance * bound for bound in bounds]


def test_no_pause_reaches_past_the_deadline() -> None:
    seconds = Seconds()
    call = Failing(*[refused("ThrottlingException")] * 1000)
    with pytest.raises(Unavailable):
        retrying(seconds.until(8), call, word="done")
    assert 7 < sum(seconds.slept) < 8
    assert call.calls == len(seconds.slept) + 1


def test_after_a_conflict_it_is_decided_again_until_the_deadline() -> None:
    seconds = Seconds()
    numbers: list[int] = []

    def attempt(number: int) -> str:
        numbers.append(number)
        if number < 3:
            raise Conflict("somebody was faster")
        return "written"

    assert decide_again(seconds.until(8), attempt) == "written"
    assert numbers == [0, 1, 2, 3]
    assert seconds.slept == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    with pytest.raises(Unavailable, match="somebody was faster"):
        decide_again(seconds.until(FIRST_PAUSE), lambda _: attempt(0))


@pytest.mark.parametrize(
    "chance", [Deadline.after(1).chance, clock.chance], ids=["pause", "wiring"]
)
def test_twins_of_one_snapshot_do_not_draw_the_same(chance: Callable[[], float]) -> None:
    state = random.getstate()
    drawn = [chance() for _ in range(5)]
    random.setstate(state)
    assert [chance() for _ in range(5)] != drawn


def test_chance_differs_from_call_to_call() -> None:
    deadline = Deadline.after(8)
    drawn = {deadline.chance() for _ in range(20)}
    assert len(drawn) > 1
    assert all(0 <= each < 1 for each in drawn)


def test_a_deadline_is_seconds_from_now() -> None:
    before = Deadline.after(0).at
    assert 8 <= Deadline.after(8).at - before < 9


def test_one_attempt_each_so_that_one_deadline_bounds_all() -> None:
    for config, connect, read in ((TABLE_CONFIG, 1, 2), (RATES_CONFIG, 0.3, 0.3)):
        assert config.retries == {"total_max_attempts": 1, "mode": "standard"}  # type: ignore[attr-defined]
        assert (config.connect_timeout, config.read_timeout) == (connect, read)  # type: ignore[attr-defined]


def test_the_token_of_a_transaction_fits_however_long_its_name_is() -> None:
    names = [f"aud_{'a' * 28}-{number}" for number in (1, 999, 1000, 1001, 123_456)]
    tokens = [once(name) for name in names]
    assert tokens[:2] == names[:2]
    assert len(set(tokens)) == len(names)
    assert all(len(token) <= 36 for token in tokens)
    assert once(names[-1]) == tokens[-1]


def test_every_transaction_has_such_a_token() -> None:
    root = Path(__file__).resolve().parents[2]
    found = [
        (path.name, given)
        for part in ("layers/common/opsknight", "functions", "cli")
        for path in (root / part).rglob("*.py")
        for given in re.findall(r"ClientRequestToken=(\w+)", path.read_text(encoding="utf-8"))
    ]
    assert {given for _, given in found} == {"once"}
