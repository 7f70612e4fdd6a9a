"""Secrets: kept for minutes, refreshed when refused, and never told."""

import logging

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from harness.amazon import Amazon, Answer
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure, Unaccepted
from notify.secrets import KEPT_SECONDS, Secrets

NAME = "/opsknight/slack"
AWAY = EndpointConnectionError(endpoint_url="https://ssm.us-east-1.amazonaws.com")


def value(text: str) -> Answer:
    return {"Parameter": {"Name": NAME, "Value": text}}


class Attempts:
    """Accepts one value only."""

    def __init__(self, accepted: str) -> None:
        self.accepted = accepted
        self.seen: list[str] = []

    def __call__(self, secret: str) -> Outcome:
        self.seen.append(secret)
        return Sent("1") if secret == self.accepted else Unaccepted("answered 401")


def using(*answers: Answer, clock: list[float] | None = None) -> tuple[Amazon, Secrets]:
    ssm = Amazon("ssm", list(answers))
    clock = clock if clock is not None else [0.0]
    return ssm, Secrets(ssm.client(), monotonic=lambda: clock[0])


def test_it_is_asked_for_decrypted_and_once_in_five_minutes() -> None:
    clock = [1000.0]
    ssm, secrets = using(value("one\n"), value("two"), clock=clock)
    assert secrets.read(NAME) == "one"
    clock[0] += KEPT_SECONDS - 1
    assert secrets.read(NAME) == "one"
    clock[0] += 2
    assert secrets.read(NAME) == "two"
    assert ssm.calls == [("GetParameter", {"Name": NAME, "WithDecryption": True})] * 2


def test_a_refused_secret_is_asked_for_again_once() -> None:
    ssm, secrets = using(value("old"), value("new"))
    attempts = Attempts("new")
    assert secrets.using(NAME, attempts) == Sent("1")
    assert attempts.seen == ["old", "new"]
    assert secrets.using(NAME, attempts) == Sent("1")
    assert len(ssm.calls) == 2


def test_the_same_value_is_not_tried_twice() -> None:
    _, secrets = using(value("old"))
    attempts = Attempts("new")
    assert secrets.using(NAME, attempts) == PermanentFailure("answered 401")
    assert attempts.seen == ["old"]


def test_two_attempts_are_enough() -> None:
    _, secrets = using(value("old"), value("older"), value("oldest"))
    attempts = Attempts("new")
    assert secrets.using(NAME, attempts) == PermanentFailure("answered 401")
    assert attempts.seen == ["old", "older"]


@pytest.mark.parametrize("code", ["ParameterNotFound", "AccessDeniedException", "InvalidKeyId"])
def test_what_is_missing_or_forbidden_is_named(code: str) -> None:
    attempts = Attempts("x")
    outcome = using((code, 400))[1].using(NAME, attempts)
    assert isinstance(outcome, PermanentFailure)
    assert NAME in outcome.why
    assert attempts.seen == []


@pytest.mark.parametrize(
    "answer",
    [
        ("ThrottlingException", 400),
        ("InternalServerError", 500),
        AWAY,
        ConnectTimeoutError(endpoint_url="https://ssm.us-east-1.amazonaws.com"),
    ],
)
def test_ssm_away_is_tried_later(answer: Answer) -> None:
    outcome = using(answer)[1].using(NAME, Attempts("x"))
    assert isinstance(outcome, TemporaryFailure)
    assert "amazonaws" not in outcome.why


def test_ssm_away_an_old_value_serves() -> None:
    clock = [0.0]
    _, secrets = using(value("old"), AWAY, clock=clock)
    assert secrets.read(NAME) == "old"
    clock[0] += 10 * KEPT_SECONDS
    assert secrets.read(NAME) == "old"


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_no_secret(name: str | None) -> None:
    assert using(value("x"))[1].using(name, Attempts("x")) == PermanentFailure(
        "the receiver has no secret"
    )


def test_values_are_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, secrets = using(value("sesame"))
    assert secrets.read(NAME) == "sesame"
    assert "sesame" not in f"{secrets!r} {caplog.text}"
