"""Secrets: kept for minutes, refreshed when refused, and never told."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from harness.amazon import Amazon, Answer
from notify.channels.protocol import (
    Misconfigured,
    Outcome,
    PermanentFailure,
    Sent,
    TemporaryFailure,
    Unaccepted,
)
from notify.secrets import Secrets
from opsknight.directory.secret_names import SHARED, own_prefix
from opsknight.runtime.ssm_secrets import (
    ABSENCE_REMEMBERED,
    ASKED_AGAIN,
    FAILURE_REMEMBERED,
    REMEMBERED,
    SPARED_AFTER_FAILURE,
    LinkKeys,
    Secret,
    SecretForbidden,
    SecretReader,
    SecretsUnavailable,
)

PREFIX = own_prefix("opsknight")
OWN = "slack"
NAME = PREFIX + OWN
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ABSENT = ("ParameterNotFound", 400)
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


@dataclass
class Clock:
    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


def using(*answers: Answer, clock: Clock | None = None) -> tuple[Amazon, Secrets]:
    ssm = Amazon("ssm", list(answers))
    return ssm, Secrets(SecretReader(ssm.client()), clock or Clock(), PREFIX)


def test_it_is_asked_for_decrypted_and_once_in_five_minutes() -> None:
    clock = Clock()
    ssm, secrets = using(value("one\n"), value("two"), clock=clock)
    assert secrets.read(OWN) == "one"
    clock.at += REMEMBERED - SECOND
    assert secrets.read(OWN) == "one"
    clock.at += SECOND
    assert secrets.read(OWN) == "two"
    assert ssm.calls == [("GetParameter", {"Name": NAME, "WithDecryption": True})] * 2
    assert timedelta(minutes=5) == REMEMBERED


def test_a_refused_secret_is_asked_for_again_once() -> None:
    ssm, secrets = using(value("old"), value("new"))
    attempts = Attempts("new")
    assert secrets.using(OWN, attempts) == Sent("1")
    assert attempts.seen == ["old", "new"]
    assert secrets.using(OWN, attempts) == Sent("1")
    assert len(ssm.calls) == 2


def test_the_same_value_is_not_tried_twice() -> None:
    _, secrets = using(value("old"))
    attempts = Attempts("new")
    assert secrets.using(OWN, attempts) == PermanentFailure("answered 401")
    assert attempts.seen == ["old"]


def test_two_attempts_are_enough() -> None:
    _, secrets = using(value("old"), value("older"), value("oldest"))
    attempts = Attempts("new")
    assert secrets.using(OWN, attempts) == PermanentFailure("answered 401")
    assert attempts.seen == ["old", "older"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ParameterNotFound", PermanentFailure),
        ("AccessDeniedException", Misconfigured),
        ("InvalidKeyId", Misconfigured),
    ],
)
def test_what_is_missing_or_forbidden_is_named(
    code: str, kind: type[Outcome], capsys: pytest.CaptureFixture[str]
) -> None:
    attempts = Attempts("x")
    outcome = using((code, 400))[1].using(OWN, attempts)
    assert type(outcome) is kind
    assert not isinstance(outcome, Sent)
    assert NAME in outcome.why
    assert attempts.seen == []
    # A page waits for somebody to mend the role, and there is an alarm.
    assert ("Failures" in capsys.readouterr().out) is (kind is Misconfigured)


@pytest.mark.parametrize(
    "name",
    [
        "/opsknight/opsknight/link-key",
        "/opsknight/opsknight/secrets/slack",
        "/opsknight/slack-signing-secret",
        "/opsknight/other/secrets/slack",
        "/somebody/else",
        "/opsknight-sharedless/slack",
        "../link-key/",
        "a//b",
        SHARED,
    ],
)
def test_a_receiver_cannot_name_what_is_not_a_receivers(name: str) -> None:
    ssm, secrets = using(value("sesame"))
    attempts = Attempts("sesame")
    assert isinstance(secrets.using(name, attempts), PermanentFailure)
    assert (ssm.calls, attempts.seen) == ([], [])


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("slack", f"{PREFIX}slack"),
        ("teams/web/slack", f"{PREFIX}teams/web/slack"),
        (f"{SHARED}slack", f"{SHARED}slack"),
    ],
)
def test_a_name_is_the_deployments_own_or_shared(name: str, asked: str) -> None:
    ssm, secrets = using(value("sesame"))
    assert secrets.read(name) == "sesame"
    assert [call["Name"] for _, call in ssm.calls] == [asked]


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
    outcome = using(answer)[1].using(OWN, Attempts("x"))
    assert isinstance(outcome, TemporaryFailure)
    assert "amazonaws" not in outcome.why


def test_ssm_away_an_old_value_serves() -> None:
    clock = Clock()
    _, secrets = using(value("old"), AWAY, clock=clock)
    assert secrets.read(OWN) == "old"
    clock.at += 10 * REMEMBERED
    assert secrets.read(OWN) == "old"


def test_a_secret_made_a_moment_ago_is_found_for_a_message() -> None:
    _, secrets = using(ABSENT, value("new"))
    assert isinstance(secrets.read(OWN), PermanentFailure)
    assert secrets.read(OWN) == "new"


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_no_secret(name: str | None) -> None:
    assert using(value("x"))[1].using(name, Attempts("x")) == PermanentFailure(
        "the receiver has no secret"
    )


def test_values_are_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, secrets = using(value("sesame"))
    assert secrets.read(OWN) == "sesame"
    assert "sesame" not in f"{secrets!r} {caplog.text}"


# For links and Slack: several values, and strangers who make requests.


def reading(*answers: Answer) -> tuple[Amazon, SecretReader]:
    ssm = Amazon("ssm", list(answers))
    return ssm, SecretReader(ssm.client())


@pytest.mark.parametrize("failure", [AWAY, ("ThrottlingException", 400)], ids=["away", "throttled"])
def test_an_old_value_serves_links_and_slack_too(failure: Answer) -> None:
    ssm, reader = reading(value("ab" * 32), failure)
    secret = Secret(reader, NAME)
    later = NOW + 10 * REMEMBERED
    assert secret.values(NOW) == secret.values(later) == ("ab" * 32,)
    assert LinkKeys(secret).accepted(later, ASKED_AGAIN) == (b"\xab" * 32,)
    assert LinkKeys(secret).signing(later) == b"\xab" * 32
    assert len(ssm.calls) == 2, "SSM is spared for some seconds after a failure"
    secret.values(later + SPARED_AFTER_FAILURE)
    assert len(ssm.calls) == 3


def test_a_new_value_is_read_once_ssm_is_back() -> None:
    _, reader = reading(value("old"), AWAY, value("new"))
    later = NOW + REMEMBERED
    assert [reader.read(NAME, at) for at in (NOW, later)] == ["old", "old"]
    assert reader.read(NAME, later + SPARED_AFTER_FAILURE) == "new"


def test_without_an_old_value_it_is_unavailable() -> None:
    _, reader = reading(AWAY)
    with pytest.raises(SecretsUnavailable, match="EndpointConnectionError"):
        reader.read(NAME, NOW)


def test_what_may_not_be_read_any_more_does_not_serve_on() -> None:
    _, reader = reading(value("old"), ("AccessDeniedException", 400))
    reader.read(NAME, NOW)
    with pytest.raises(SecretForbidden, match="AccessDeniedException"):
        reader.read(NAME, NOW + REMEMBERED)


def test_absence_is_remembered_for_a_short_time() -> None:
    ssm, reader = reading(ABSENT, value("new"))
    secret = Secret(reader, NAME)
    assert secret.values(NOW) == secret.values(NOW + ABSENCE_REMEMBERED - SECOND) == ()
    assert len(ssm.calls) == 1
    assert secret.values(NOW + ABSENCE_REMEMBERED) == ("new",)


def test_a_stranger_causes_one_call_in_ten_seconds() -> None:
    ssm, reader = reading(ABSENT)
    secret = Secret(reader, NAME)
    for tenth in range(100):
        at = NOW + tenth * SECOND / 10
        assert secret.values(at) == secret.values(at, ASKED_AGAIN) == ()
    assert len(ssm.calls) == 1


@pytest.mark.parametrize("failure", [AWAY, ("AccessDeniedException", 400)], ids=["away", "denied"])
def test_strangers_do_not_ask_an_ssm_that_fails_with_each_request(failure: Answer) -> None:
    ssm, reader = reading(failure)
    secret = Secret(reader, NAME)
    for tenth in range(100):
        with pytest.raises(SecretsUnavailable):
            secret.values(NOW + tenth * SECOND / 10, ASKED_AGAIN)
    assert len(ssm.calls) == 2


def test_after_a_failure_it_is_there_within_seconds() -> None:
    _, reader = reading(AWAY, value("new"))
    secret = Secret(reader, NAME)
    with pytest.raises(SecretsUnavailable):
        secret.values(NOW)
    assert secret.values(NOW + FAILURE_REMEMBERED) == ("new",)


def test_a_secret_that_is_gone_is_gone() -> None:
    _, reader = reading(value("old"), ABSENT, AWAY)
    assert reader.read(NAME, NOW) == "old"
    assert reader.read(NAME, NOW + REMEMBERED) is None
    with pytest.raises(SecretsUnavailable):
        reader.read(NAME, NOW + 2 * REMEMBERED)


def test_a_clock_set_back_makes_nothing_fresh() -> None:
    _, reader = reading(value("old"), value("new"))
    assert [reader.read(NAME, at) for at in (NOW, NOW - SECOND)] == ["old", "new"]
