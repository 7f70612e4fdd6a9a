"""One mistake each in a file that is right. What is said is kept in tests/golden/mistakes/said.txt:
read it as somebody who has never seen the schema. GOLDEN=write writes it anew.
"""

import io
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from opsknight.files.checking import Checked, check
from opsknight.files.leaks import is_secret
from opsknight.files.reading import read
from opsknight_cli.terminal.screen import Screen

NOW: Final = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
GOLDEN: Final = Path(__file__).parents[1] / "golden" / "mistakes"
RIGHT: Final = (GOLDEN / "right.yaml").read_text()
JONAS: Final = "  jonas:\n    name: Jonas Weber\n    email: jonas@example.com\n"
PUSH: Final = "to: u0000000000000000000000jonas00, secret: pushover}\n"
WEB: Final = """\
      - targets: [{team: web}]
      - after: 10m
        targets: [{schedule: sun}]
"""

# What stands there, and what somebody writes instead.
MISTAKES: Final[Mapping[str, Mapping[str, str]]] = {
    "a key is misspelt": {"    acknowledgement_timeout:": "    acknowledgment_timeout:"},
    "a user is misspelt": {"users: [wei, priya]": "users: [wei, pryia]"},
    "a name in capitals": {"users: [wei, priya]": "users: [Wei, priya]"},
    "an address for a user": {"users: [wei, priya]": "users: [wei@example.com, priya]"},
    "a zone that is none": {
        "RESPONDER\n    zone: Europe/Berlin": "RESPONDER\n    zone: Europe/Munich"
    },
    "a zone is misspelt": {"zone: Asia/Singapore": "zone: Asia/Singapur"},
    "a zone by its abbreviation": {"zone: Asia/Singapore": "zone: EST"},
    "a zone by its offset": {"zone: Asia/Singapore": "zone: Etc/GMT-8"},
    "tabs": {"  jonas:\n    name": "\tjonas:\n\t  name"},
    "a time with am": {'handoff: "08:00"': 'handoff: "8am"'},
    "a time as a number": {'handoff: "08:00"': "handoff: 8"},
    "an hour that is none": {'start: "08:00", end: "16:00"': 'start: "08:00", end: "25:00"'},
    "a second section": {
        "services:\n  pay": "users:\n  x: {email: a@b.c, role: USER}\nservices:\n  pay"
    },
    "a second user of one key": {f"{PUSH}  wei:": f"{PUSH}  jonas:"},
    "a policy that pages nobody": {
        "    email: lena@example.com": "    email: lena@example.com\n    disabled: true",
        WEB: "      - targets: [{user: lena}]\n",
    },
    "hours without anybody": {'start: "16:00", end: "00:00"': 'start: "16:00", end: "22:00"'},
    "a token in the clear": {
        "to: U0MARIA001, secret: slack-token": "to: U0MARIA001, secret: xoxb-12345678901-abcdefgh"
    },
    "a URL in the clear": {
        "secret: discord-url": "secret: https://discord.com/api/webhooks/1/abcdef"
    },
    "another store of secrets": {
        "secret: discord-url": "secret: arn:aws:secretsmanager:us-east-1:1:secret:x"
    },
    "the URL of a chat in `to`": {
        "{channel: teams, secret: teams-url}": "{channel: teams, to: https://acme.webhook.office.com/1}"
    },
    "a number without its country": {'sms, to: "+14155550100"': 'sms, to: "4155550100"'},
    "a number with spaces": {"+4917012345678": "+49 170 1234 5678"},
    "a number without quotes": {'"+4917012345678"': "+4917012345678"},
    "an address that is none": {"email: wei@example.com\n": "email: wei_at_example.com\n"},
    "a role in lower case": {f"{JONAS}    role: RESPONDER": f"{JONAS}    role: responder"},
    "a duration in words": {"after: 10m": "after: 10 minutes"},
    "a duration as a number": {"repeat_after: 1m": "repeat_after: 60"},
    "a turn in words": {"turn: 1w\n        handoff: \"08": "turn: weekly\n        handoff: \"08"},
    "too many rounds": {"repeat: 1\n": "repeat: 99\n"},
    "a policy of another name": {"policy: pay": "policy: payment"},
    "a key in capitals": {"  pay-api:\n": "  Pay_API:\n"},
    "a method that there is not": {"{method: tg}": "{method: telegram}"},
    "no steps": {WEB: "      []\n"},
    "a wait before the first step": {
        "- targets: [{schedule: sun}]\n": "- after: 5m\n        targets: [{schedule: sun}]\n"
    },
    "an event of another name": {"told: [triggered,": "told: [trigger,"},
    "an event of the other list": {"events: [incident.created,": "events: [incident.triggered,"},
    "a day cut short": {"days: [SATURDAY]": "days: [Sat]"},
    "a layer that begins next year": {"start: 2026-11-07": "start: 2027-11-07"},
    "a layer that never comes first": {"priority: 5\n": "priority: -5\n"},
    "a date of another country": {"start: 2026-11-07": "start: 07.11.2026"},
    "a section of another tool": {"\npolicies:\n": "\nescalation_policies:\n"},
    "a page for a service that there is not": {"[pay-api, storefront]": "[pay-api, storefrnt]"},
    "members as a list": {
        "members:\n      maria: {lead: true}\n      jonas:\n      wei:": "members: [maria, jonas]"
    },
    "integrations as a list": {
        "    integrations:\n      datadog: Datadog\n": "    integrations: [datadog]\n"
    },
    "no lead": {"maria: {lead: true}": "maria:"},
    "a time-out of seconds": {"acknowledgement_timeout: 30m": "acknowledgement_timeout: 30s"},
    "two targets in one": {
        "{schedule: sun}]\n      - after: 1m": "{schedule: sun, team: web}]\n      - after: 1m"
    },
    "somebody in no team": {"      priya: {lead: true}\n": ""},
    "a mapping merged into itself": {f"{PUSH}  wei:\n": f"{PUSH}  wei: &w\n    <<: *w\n"},
    "a list instead of a mapping": {RIGHT: "[1, 2]\n"},
    "nothing": {RIGHT: "# to do\n"},
    "a bracket that does not end": {"users: [wei, priya]": "users: [wei, priya"},
    "a quote that does not end": {'handoff: "08:00"': 'handoff: "08:00'},
    "a colon in a text": {"name: Payments API": "name: Payments: API"},
    "an at sign": {"name: Payments API": "name: @payments"},
    "a line too far to the left": {f"{JONAS}    role": f"{JONAS}   role"},
    "a line without a colon": {"name: Payments API\n": "name: Payments API\n    critical\n"},
    "an anchor that there is not": {"name: Payments API": "name: *payments"},
    "two documents": {"\nteams:\n": "\n---\nteams:\n"},
    "a backslash in quotes": {"name: Payments API": 'name: "Payments \\API"'},
    "a control character": {"name: Payments API": "name: Payments\x07 API"},
}  # fmt: skip


def checked(text: str) -> Checked:
    return check(read({"opsknight.yaml": text}), NOW)


def with_mistake(name: str) -> str:
    text = RIGHT
    for right, wrong in MISTAKES[name].items():
        assert text.count(right) == 1, f"{name}: {right!r} has to stand there once"
        text = text.replace(right, wrong)
    return text


def test_the_right_one_has_only_warnings_that_are_meant() -> None:
    assert [(each.severity, each.path) for each in checked(RIGHT).problems] == [
        ("warning", ("users", "priya"))
    ]


@cache
def usual() -> frozenset[str]:
    return frozenset(each.sentence for each in checked(RIGHT).problems)


@cache
def said(name: str) -> str:
    """All that is said, but what is said of the right file as well."""
    out = io.StringIO()
    screen = Screen(out=out, width=100)
    problems = checked(with_mistake(name)).problems
    screen.problems([each for each in problems if each.sentence not in usual()], failed=False)
    return out.getvalue().removesuffix("\n")


def test_each_mistake_has_a_sentence_that_helps() -> None:
    text = "".join(f"--- {name}\n{said(name)}\n" for name in MISTAKES)
    kept = GOLDEN / "said.txt"
    if os.environ.get("GOLDEN") == "write":
        kept.write_text(text)
    assert text == kept.read_text()


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_one_sentence(name: str) -> None:
    """One mistake, one sentence: what follows from it is not told beside it."""
    assert said(name).count("opsknight.yaml:") == 1


def test_a_mistake_hides_no_other_of_the_same_user() -> None:
    """A telephone number without its plus hid that a rule named no method of the user."""
    text = RIGHT.replace('to: "+14155550100"', "to: 4155550100", 1)
    text = text.replace("{method: slack}", "{method: slakc}", 1)
    found = {each.path[-1]: each.sentence for each in checked(text).errors}
    assert set(found) == {"to", "method"}
    assert 'Did you mean "slack"?' in found["method"]


def test_what_is_wrong_in_several_places_is_said_once() -> None:
    zones = ("zone: Asia/Singapore", "RESPONDER\n    zone: Europe/Berlin")
    text = RIGHT
    for zone in zones:
        text = text.replace(zone, zone.replace(zone[zone.index("zone: ") :], "zone: EST"), 1)
    out = io.StringIO()
    problems = [each for each in checked(text).problems if "EST" in each.sentence]
    Screen(out=out, width=100).problems(problems, failed=False)
    assert out.getvalue().splitlines() == [
        "warning opsknight.yaml:27  users.jonas.zone",
        "        opsknight.yaml:36  users.wei.zone",
        "        EST is an abbreviation, and not every clock that has it is turned in summer: "
        "name a city,",
        "        such as America/New_York.",
        "",
    ]


MERGED: Final = """\
users:
  ada: &person
    email: ada@example.com
    role: RESPONDER
    zone: Europe/Berlin
  ben:
    <<: *person
    email: ben@example.com
  eve:
    <<: [{email: eve@example.com}, *person]
"""


def test_merge_keys_work_as_elsewhere() -> None:
    """What stands in the mapping itself counts, then the first of those that are merged."""
    found = checked(MERGED)
    assert not found.errors
    users = found.configuration.users
    assert {each.email for each in users.values()} == {
        "ada@example.com",
        "ben@example.com",
        "eve@example.com",
    }
    assert {each.zone for each in users.values()} == {"Europe/Berlin"}


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123456789012-abcdefghijklmn",
        "/xoxb-123456789012-abcdefghijklmn",
        "xapp-1-A0-1-a",
        "123456789:AAFq3xY",
        "tk_abcdefghij0123456789",
        "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
        "5f0c1e9a7b3d4c2e8f6a1b0d9c8e7f6a",
        "d94a1b0e-6c1f-4b1e-9b1f-0a1b2c3d4e5f",
        "https://hooks.slack.com/services/T0/B0/x",
        "AKIAIOSFODNN7EXAMPLE",
        "opsk_0123456789",
        "bGV0IG1lIGluIHBsZWFzZSE=aaaa",
    ],
)  # fmt: skip
def test_a_secret_is_no_name(secret: str) -> None:
    assert is_secret(secret)
    text = RIGHT.replace("secret: pushover", f'secret: "{secret}"')
    [error] = checked(text).errors
    assert secret.strip("/") not in error.sentence, "what was nearly leaked is not repeated"


@pytest.mark.parametrize(
    "name",
    [
        "slack-token",
        "/opsknight/slack-token",
        "/opsknight/prod-2/teams/webhook2026",
        "oncall2-primary1",
        "basic-auth",
        "internationalization-webhook",
        "team_payments.discord_url",
        "pagerduty2opsknight1",
    ],
)
def test_a_name_is_no_secret(name: str) -> None:
    assert not is_secret(name)
