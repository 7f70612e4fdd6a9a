"""What each channel sends for each message, kept in tests/golden/notify to be looked at.

After a change that is meant: `GOLDEN=write pytest tests/unit/test_rendered.py`, then read the diff.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.notices import NOTICES, SHOWN_TO_ALL, Stage, stage
from harness.receivers import answers
from notify.channels.protocol import Sent
from opsknight.directory.receivers import Channel

GOLDEN = Path(__file__).parents[1] / "golden/notify"
ALL = {**NOTICES, "status-page": SHOWN_TO_ALL}


@pytest.fixture(scope="module")
def sending() -> Iterator[Stage]:
    with stage() as sending:
        yield sending


def rendered(sending: Stage, channel: Channel, name: str) -> dict[str, str]:
    """Name of the file to its text."""
    if channel is Channel.SLACK:
        sending.http.then(answers(200, b'{"ok": true, "channel": "C0123", "ts": "1.2"}'))
    outcome = sending.send(channel, ALL[name])
    assert isinstance(outcome, Sent), outcome
    match channel:
        case Channel.EMAIL:
            [_, request] = sending.ses.calls[-1]
            simple = request["Content"]["Simple"]
            heads = [f"{head['Name']}: {head['Value']}" for head in simple["Headers"]]
            subject = f"Subject: {simple['Subject']['Data']}"
            text = simple["Body"]["Text"]["Data"]
            return {
                f"{name}.txt": "\n".join([subject, *heads, "", text]),
                f"{name}.html": simple["Body"]["Html"]["Data"],
            }
        case Channel.SMS:
            return {f"{name}.txt": sending.phone.calls[-1][1]["MessageBody"] + "\n"}
        case Channel.VOICE:
            return {f"{name}.ssml": sending.phone.calls[-1][1]["MessageBody"] + "\n"}
        case _:
            body = json.loads(sending.sent().body)
            body.pop("token", None)
            return {f"{name}.json": json.dumps(body, indent=2, ensure_ascii=False) + "\n"}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("channel", Channel)
def test_it_looks_as_it_did_when_it_was_looked_at(
    channel: Channel, name: str, sending: Stage
) -> None:
    for file, text in rendered(sending, channel, name).items():
        path = GOLDEN / channel / file
        if os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.read_bytes().decode() == text


def test_nothing_is_kept_that_is_not_sent() -> None:
    kept = {(path.parent.name, path.stem) for path in GOLDEN.glob("*/*")}
    assert kept == {(channel, name) for channel in Channel for name in ALL}
