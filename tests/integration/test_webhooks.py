"""The signed webhook against a real receiver, judged by what docs/webhooks.md tells receivers."""

import hashlib
import hmac
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message as Headers
from pathlib import Path
from typing import Any

import pytest

from harness.notices import ACKNOWLEDGED, BUNDLE, NOTICES, PAGE, THREE, Stage, stage
from harness.receivers import Request, answers
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from opsknight.directory.receivers import Channel, Login, LoginKind
from opsknight.incident.references import Reference

DOCUMENT = (Path(__file__).parents[2] / "docs/webhooks.md").read_text(encoding="utf-8")
NOW = int(THREE.timestamp())


@pytest.fixture
def sending() -> Iterator[Stage]:
    with stage() as sending:
        yield sending


def snippet(name: str) -> str:
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", DOCUMENT, re.S)
    assert found, name
    return found[1]


def by_python(headers: Headers, body: bytes, secret: str, now: int) -> bool:
    scope: dict[str, Any] = {}
    exec(snippet("verify.py"), scope)  # noqa: S102
    return bool(scope["is_from_opsknight"](headers, body, secret, now))


def by_node(headers: Headers, body: bytes, secret: str, now: int) -> bool:
    head = json.dumps({name.lower(): value for name, value in headers.items()})
    call = f"isFromOpsKnight({head}, Buffer.from('{body.hex()}', 'hex'), {secret!r}, {now})"
    program = f"{snippet('verify.js')}\nconsole.log({call});"
    ran = subprocess.run(
        ["node", "--input-type=commonjs", "--eval", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {"true": True, "false": False}[ran.stdout.strip()]


type Verify = Callable[[Headers, bytes, str, int], bool]
VERIFIERS = pytest.mark.parametrize("verify", [by_python, by_node])


def signed(sending: Stage, **secrets: str | None) -> Request:
    receiver = sending.receiver(Channel.WEBHOOK).model_copy(update=secrets)
    assert isinstance(sending.senders[Channel.WEBHOOK].send(PAGE, receiver), Sent)
    return sending.sent()


@VERIFIERS
def test_the_documented_check_takes_what_is_ours(verify: Verify, sending: Stage) -> None:
    request = signed(sending)
    assert verify(request.headers, request.body, "sign-sesame", NOW)
    assert verify(request.headers, request.body, "sign-sesame", NOW + 299)


@VERIFIERS
def test_the_documented_check_refuses_what_is_not(verify: Verify, sending: Stage) -> None:
    request = signed(sending)
    assert not verify(request.headers, request.body, "another", NOW)
    assert not verify(request.headers, request.body + b" ", "sign-sesame", NOW)
    assert not verify(request.headers, request.body, "sign-sesame", NOW + 301)
    assert not verify(request.headers, request.body, "sign-sesame", NOW - 301)
    for name, value in (
        ("X-OpsKnight-Timestamp", str(NOW + 1)),
        ("X-OpsKnight-Timestamp", "soon"),
        ("X-OpsKnight-Signature", "sha256=" + "0" * 64),
        ("X-OpsKnight-Signature", "sha256="),
    ):
        forged = Headers()
        for known, text in request.headers.items():
            forged[known] = value if known == name else text
        assert not verify(forged, request.body, "sign-sesame", NOW)
    unsigned = Headers()
    unsigned["X-OpsKnight-Timestamp"] = str(NOW)
    assert not verify(unsigned, request.body, "sign-sesame", NOW)


@VERIFIERS
def test_during_a_rotation_both_secrets_verify(verify: Verify, sending: Stage) -> None:
    request = signed(sending, next_secret="sign-next")
    assert request.headers["X-OpsKnight-Signature"].count("sha256=") == 2
    assert verify(request.headers, request.body, "sign-sesame", NOW)
    assert verify(request.headers, request.body, "next-sesame", NOW)
    assert not verify(request.headers, request.body, "another", NOW)


def test_the_signature_is_made_as_documented(sending: Stage) -> None:
    request = signed(sending)
    assert request.headers["X-OpsKnight-Timestamp"] == str(NOW)
    over = f"{NOW}.".encode() + request.body
    expected = hmac.new(b"sign-sesame", over, hashlib.sha256).hexdigest()
    assert request.headers["X-OpsKnight-Signature"] == f"sha256={expected}"


def test_a_receiver_without_a_secret_gets_no_signature(sending: Stage) -> None:
    assert "X-OpsKnight-Signature" not in signed(sending, secret=None).headers


def test_a_next_secret_that_does_not_exist_stops_nothing(sending: Stage) -> None:
    request = signed(sending, next_secret="not-there")
    assert by_python(request.headers, request.body, "sign-sesame", NOW)


def test_a_retry_is_the_same_delivery_and_body(sending: Stage) -> None:
    sending.http.then(answers(503, headers={"Retry-After": "5"}), answers(200))
    assert isinstance(sending.send(Channel.WEBHOOK, PAGE), TemporaryFailure)
    assert isinstance(sending.send(Channel.WEBHOOK, PAGE), Sent)
    first, second = sending.http.requests
    assert first.body == second.body
    for request in (first, second):
        assert request.headers["X-OpsKnight-Delivery"] == PAGE.delivery_id
        assert request.headers["X-OpsKnight-Event"] == "incident.paged"


def test_a_refused_signature_is_made_anew_with_a_replaced_secret(sending: Stage) -> None:
    signed(sending)
    sending.ssm.values["sign"] = "replaced"
    sending.http.then(answers(401), answers(200))
    assert isinstance(sending.send(Channel.WEBHOOK, PAGE), Sent)
    last = sending.sent()
    assert by_python(last.headers, last.body, "replaced", NOW)


def test_redirects_are_refused(sending: Stage) -> None:
    sending.http.then(answers(302, headers={"Location": "https://evil.example/"}))
    assert isinstance(sending.send(Channel.WEBHOOK, PAGE), PermanentFailure)


def test_the_documented_body_is_what_is_sent(sending: Stage) -> None:
    documented = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT, re.S)[0])
    brief = replace(
        ACKNOWLEDGED,
        link=f"https://oncall.example.com/incidents/{ACKNOWLEDGED.id}",
        references=(Reference("Runbook", "https://wiki.example.com/checkout"),),
        description='{\n  "region": "eu-central-1"\n}',
    )
    sending.send(Channel.WEBHOOK, replace(NOTICES["acknowledged"], incidents=(brief,)))
    assert json.loads(sending.sent().body) == documented


def test_several_incidents_are_listed(sending: Stage) -> None:
    sending.send(Channel.WEBHOOK, BUNDLE)
    told = json.loads(sending.sent().body)
    assert len(told["incidents"]) == 14
    assert told["link"] == BUNDLE.link
    assert not told.keys() & {"incident", "sequence"}


def test_a_test_has_no_incident(sending: Stage) -> None:
    sending.send(Channel.WEBHOOK, NOTICES["test"])
    assert json.loads(sending.sent().body).keys() == {"event", "deliveryId", "occurredAt"}
    assert sending.sent().headers["X-OpsKnight-Event"] == "test"


def test_the_document_names_every_header_and_field(sending: Stage) -> None:
    request = signed(sending)
    for name in request.headers:
        assert name.title().startswith("X-Opsknight") is (f"| `{name}`" in DOCUMENT)
    for name in json.loads(request.body):
        assert f'"{name}"' in DOCUMENT or f"`{name}`" in DOCUMENT


def logging_in(sending: Stage, kind: LoginKind, value: str, **more: Any) -> Any:
    sending.ssm.values["site-login"] = value
    login = Login(
        kind=kind, secret="site-login", header="X-Api-Key" if kind is LoginKind.HEADER else ""
    )
    receiver = sending.receiver(Channel.WEBHOOK).model_copy(update={"login": login, **more})
    return sending.senders[Channel.WEBHOOK].send(PAGE, receiver)


@pytest.mark.parametrize(
    ("kind", "value", "name", "shown"),
    [
        (LoginKind.BASIC, "ops:päss:word", "Authorization", "Basic b3BzOnDDpHNzOndvcmQ="),
        (LoginKind.BEARER, "t0ken", "Authorization", "Bearer t0ken"),
        (LoginKind.HEADER, "k3y", "X-Api-Key", "k3y"),
    ],
)
@pytest.mark.parametrize("secret", ["sign", None])
def test_a_receiver_with_a_login_is_shown_it(
    sending: Stage, kind: LoginKind, value: str, name: str, shown: str, secret: str | None
) -> None:
    assert isinstance(logging_in(sending, kind, value, secret=secret), Sent)
    request = sending.sent()
    assert request.headers[name] == shown
    assert ("X-OpsKnight-Signature" in request.headers) is (secret is not None)
    if secret:
        assert by_python(request.headers, request.body, "sign-sesame", NOW)


def test_a_login_that_was_replaced_is_read_again(sending: Stage) -> None:
    assert isinstance(logging_in(sending, LoginKind.BEARER, "old"), Sent)
    sending.http.then(answers(401), answers(200))
    assert isinstance(logging_in(sending, LoginKind.BEARER, "new"), Sent)
    _, refused, taken = sending.http.requests
    assert refused.headers["Authorization"] == "Bearer old"
    assert taken.headers["Authorization"] == "Bearer new"
    assert by_python(taken.headers, taken.body, "sign-sesame", NOW)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (LoginKind.BASIC, "no-colon"),
        (LoginKind.BEARER, "two\r\nX-Lines: 1"),
        (LoginKind.HEADER, "münchen"),
    ],
)
def test_a_login_that_no_header_can_hold_is_never_sent(
    sending: Stage, kind: LoginKind, value: str
) -> None:
    outcome = logging_in(sending, kind, value)
    assert outcome == PermanentFailure("the login has a character that it cannot have")
    assert not sending.http.requests


def test_a_login_that_does_not_exist_is_named(sending: Stage) -> None:
    login = Login(kind=LoginKind.BASIC, secret="not-there")
    receiver = sending.receiver(Channel.WEBHOOK).model_copy(update={"login": login})
    outcome = sending.senders[Channel.WEBHOOK].send(PAGE, receiver)
    assert isinstance(outcome, PermanentFailure) and "not-there does not exist" in outcome.why
    assert not sending.http.requests
