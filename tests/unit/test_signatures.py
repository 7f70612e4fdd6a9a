"""Signatures of tools over the raw body: as each tool makes them, and whatever is not quite one."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import pytest

from events.integrations.signatures import TOLERANCE, is_signed
from opsknight.integrations import builtin

NOW: Final = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BODY: Final = b'{"a": 1}'
SECRET: Final = "a secret"
MAC: Final = hmac.digest(SECRET.encode(), BODY, "sha256")
WHSEC: Final = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def digits(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def standard(at: datetime = NOW, body: bytes = BODY, identity: str = "msg_1") -> dict[str, str]:
    """As standardwebhooks.com describes it."""
    seconds = str(int(at.timestamp()))
    key = base64.b64decode(WHSEC.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{identity}.{seconds}.".encode() + body, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1a,other v1,{base64.b64encode(signed).decode()}",
    }


def judged(tool: str, headers: dict[str, str], *secrets: str) -> bool:
    preset = builtin.find(tool)
    assert preset is not None
    return is_signed(preset.signatures, secrets or [SECRET], BODY, headers, NOW)


@pytest.mark.parametrize(
    ("tool", "headers"),
    [
        ("github", {"x-hub-signature-256": f"sha256={digits()}"}),
        ("sentry", {"sentry-hook-signature": digits()}),
        ("gitlab", {"x-gitlab-token": SECRET}),
        ("bitbucket", {"x-hub-signature": f"sha256={digits()}"}),
        ("honeycomb", {"x-honeycomb-webhook-token": SECRET}),
        ("splunk-observability", {"x-sfx-signature": base64.b64encode(MAC).decode()}),
        ("vercel", {"x-vercel-signature": hmac.new(SECRET.encode(), BODY, "sha1").hexdigest()}),
        ("pagerduty", {"x-pagerduty-signature": f"v1={digits()}"}),
        ("pagerduty", {"x-pagerduty-signature": f"v1={digits(secret='old')},v1={digits()}"}),
    ],
)
def test_a_tools_own_signature_is_right(tool: str, headers: dict[str, str]) -> None:
    assert judged(tool, headers)
    assert judged(tool, headers, "another", SECRET)
    assert not judged(tool, headers, "another")
    assert not judged(tool, {name: f"{value}0" for name, value in headers.items()})
    assert not judged(tool, {})


@pytest.mark.parametrize(
    "headers",
    [
        {"x-hub-signature-256": digits()},
        {"x-hub-signature-256": f"sha1={digits()}"},
        {"x-hub-signature-256": f"sha256={digits(b'{}')}"},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha256=\ud800"},
        {"x-hub-signature": f"sha256={digits()}"},
    ],
)
def test_what_is_not_quite_a_signature_is_none(headers: dict[str, str]) -> None:
    assert not judged("github", headers)


def test_a_standard_webhook_is_right_within_five_minutes() -> None:
    assert judged("gitlab", standard(), WHSEC)
    assert judged("gitlab", standard(NOW - TOLERANCE), WHSEC)
    assert judged("gitlab", standard(NOW + TOLERANCE), WHSEC)
    assert not judged("gitlab", standard(NOW - TOLERANCE - timedelta(seconds=1)), WHSEC)
    assert not judged("gitlab", standard(NOW + TOLERANCE + timedelta(seconds=1)), WHSEC)
    assert not judged("gitlab", standard(body=b"{}"), WHSEC)
    assert not judged("gitlab", standard() | {"webhook-id": "msg_2"}, WHSEC)
    assert not judged("gitlab", standard() | {"webhook-timestamp": "now"}, WHSEC)
    assert not judged("gitlab", standard(), SECRET)
