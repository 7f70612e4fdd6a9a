"""Whatever a receiver answers is an outcome, never an exception; and a status that was read counts,
whatever is wrong with the rest of the answer: what was taken must not be sent again.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.notices import PAGE, Stage, stage
from harness.receivers import HttpReceiver, answers, http_receiver, says
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from notify.outbound import Answer, Limits, Outbound
from opsknight.directory.receivers import Channel
from opsknight.notification.delivery import LONGEST_ASKED
from opsknight.runtime.addresses import Reach

HTTP = [c for c in Channel if c not in (Channel.EMAIL, Channel.SMS, Channel.VOICE)]
QUICK = Limits(connect=0.5, read=0.3, total=0.6)
NOON = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def sending() -> Iterator[Stage]:
    with stage(QUICK) as sending:
        yield sending


def post(receiver: HttpReceiver, raw: bytes) -> Answer | TemporaryFailure | PermanentFailure:
    receiver.requests.clear()
    receiver.then(says(raw))
    http = Outbound(now=lambda: NOON, reach=Reach.LOCAL, limits=QUICK)
    return http.post(receiver.url, b"{}", {})


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 99 Jan 2026 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -9999",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999",
        "Mon, 01 Jan 2026 99999999999999999999:00:00 GMT",
        "0" * 5000,
        "Mon, " * 5000,
    ],
    ids=lambda date: date[:60],
)
@pytest.mark.parametrize("status", [200, 429])
def test_an_absurd_date_to_try_again(date: str, status: int, receiver: HttpReceiver) -> None:
    raw = f"HTTP/1.1 {status} x\r\nRetry-After: {date}\r\nContent-Length: 0\r\n\r\n"
    answer = post(receiver, raw.encode())
    assert isinstance(answer, Answer)
    assert answer.status == status
    assert answer.after is None or answer.after <= LONGEST_ASKED


@pytest.mark.parametrize("size", ["-1", "-5", "-ffffffff", "zz", "", "1" * 5000, "+-3", "0x"])
def test_a_chunk_of_an_impossible_size(size: str, receiver: HttpReceiver) -> None:
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = post(receiver, f"{head}{size}\r\n".encode() + b"x" * 100_000)
    assert isinstance(answer, Answer)
    assert isinstance(answer.outcome(), Sent)
    assert len(answer.body) <= 16 * 1024


numbers = st.integers() | st.integers(-(10**30), 10**30)
sizes = numbers.map(lambda number: f"{number:x}") | st.text(max_size=6)
values = st.one_of(
    st.text(max_size=40),
    numbers.map(str),
    st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT"),
    st.tuples(numbers, numbers).map(lambda n: f"Mon, {n[0]} Jan {n[1]} 00:00:00 +{n[0]}"),
)
names = st.sampled_from(
    ["Retry-After", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "X", ""]
)
lines = st.tuples(names, values | st.just("chunked")).map(": ".join)
statuses = st.sampled_from(["200", "204", "429", "503", "100", "404"]) | values
bodies = st.one_of(
    st.binary(max_size=60),
    st.tuples(sizes, st.binary(max_size=20)).map(lambda it: f"{it[0]}\r\n".encode() + it[1]),
)


@st.composite
def raw_answers(draw: st.DrawFn) -> bytes:
    head = [f"HTTP/1.1 {draw(statuses)} x", *draw(st.lists(lines, max_size=4)), "", ""]
    return "\r\n".join(head).encode(errors="replace") + draw(bodies)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(raw=raw_answers())
def test_any_answer_is_an_outcome(raw: bytes, receiver: HttpReceiver) -> None:
    answer = post(receiver, raw)
    outcome = answer.outcome() if isinstance(answer, Answer) else answer
    assert isinstance(outcome, Sent | TemporaryFailure | PermanentFailure)


json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=2),
    max_leaves=3,
)
said = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "ts", "channel", "error", "token", "user"), json_values),
        "ok": st.booleans() | json_values,
        "result": json_values | st.fixed_dictionaries({"message_id": json_values}),
        "parameters": json_values | st.fixed_dictionaries({"retry_after": json_values}),
        "receipt": json_values,
    },
)


@pytest.mark.parametrize("channel", HTTP)
@given(status=st.sampled_from([200, 400, 429, 500]), reply=said | json_values)
@example(status=429, reply={"parameters": {"retry_after": -(10**30)}})
@example(status=200, reply={"id": "\ud800", "ok": True, "ts": "\udfff", "channel": "C\x00"})
@example(status=200, reply={"result": {"message_id": "\ud800"}, "request": "\ud800"})
@settings(max_examples=15)
def test_any_reply_is_an_outcome_that_can_be_stored(
    channel: Channel, sending: Stage, status: int, reply: object
) -> None:
    sending.http.requests.clear()
    sending.http.then(answers(status, json.dumps(reply).encode()))
    outcome = sending.send(channel, PAGE)
    assert isinstance(outcome, Sent | TemporaryFailure | PermanentFailure)
    if isinstance(outcome, Sent):
        for text in (outcome.provider_id or "", *outcome.remember.values()):
            assert text.isascii()
