"""Our presets, by the payloads of `tests/presets`: what each tool sends, and the events it becomes.

`GOLDEN=write pytest tests/unit/test_presets.py` writes the events of every payload: look at them.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from opsknight.incident.model import Action, Actor, ActorKind
from opsknight.integrations import builtin
from opsknight.integrations.drafts import Draft, understood
from opsknight.integrations.reading import Passed, read
from opsknight_cli.files import presets

PAYLOADS: Final = Path(__file__).parents[1] / "presets"
ACTOR: Final = Actor(kind=ActorKind.INTEGRATION, id="int_tool", name="Tool")
FIRES: Final = "fires"
# What a tool does not have is not there to be tested.
LACKS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        ["appdynamics", "bitbucket", "honeycomb", "splunk-oncall", "uptimerobot", "vercel"],
        frozenset({"no-data"}),
    ),
    **dict.fromkeys(
        ["better-uptime", "manageengine", "pingdom", "splunk-observability"],
        frozenset({"no-data", "test"}),
    ),
    "elastic": frozenset({"test"}),
    "cloudwatch": frozenset({"test"}),
    "github": frozenset({"no-data"}),
    "gitlab": frozenset({"no-data"}),
    "pagerduty": frozenset({"no-data"}),
    "sentry": frozenset({"no-data"}),
    "webhook": frozenset({"no-data"}),
    "uptime-kuma": frozenset({"no-data"}),
}
CASES: Final = (FIRES, "still-fires", "recovers", "test", "no-data")
FILES: Final = sorted(PAYLOADS.glob("*/*.json"))


def events(file: Path) -> list[dict[str, Any]]:
    """What the payload becomes, as the files have it."""
    sent = json.loads(file.read_text(encoding="utf-8"))
    preset = builtin.find(file.parent.name)
    assert preset is not None
    return [shown(each) for each in read(preset, sent["body"], sent.get("headers", {}))]


def shown(found: object) -> dict[str, Any]:
    if isinstance(found, Draft):
        event = understood(found, "svc_shop", ACTOR)
        body = json.loads(event.event.body)
        payload = body["payload"]
        told: dict[str, Any] = {"event_action": body["event_action"], "dedup_key": event.dedup_key}
        if found.action is Action.TRIGGER:
            told |= {name: payload[name] for name in ("summary", "source", "severity")}
            told |= {name: body[name] for name in ("links", "adjusted") if name in body}
        return told
    kind = "passed" if isinstance(found, Passed) else "meaningless"
    return {kind: getattr(found, "why", "")}


@cache
def expected(tool: str, case: str) -> list[dict[str, Any]]:
    text = (PAYLOADS / tool / f"{case}.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["events"]
    return found


@pytest.mark.parametrize("file", FILES, ids=[f"{each.parent.name}-{each.stem}" for each in FILES])
def test_a_payload_becomes_its_events(file: Path) -> None:
    found = events(file)
    sent = json.loads(file.read_text(encoding="utf-8"))
    if os.environ.get("GOLDEN") == "write":
        text = json.dumps(sent | {"events": found}, indent=2, ensure_ascii=False)
        file.write_text(f"{text}\n", encoding="utf-8")
    else:
        assert found == sent["events"]


@pytest.mark.parametrize("tool", builtin.names())
def test_every_preset_has_a_payload_of_each_kind(tool: str) -> None:
    there = {each.stem for each in FILES if each.parent.name == tool}
    assert {*CASES} - there == LACKS.get(tool, frozenset())


@pytest.mark.parametrize("tool", builtin.names())
def test_the_recovery_finds_the_incident_that_the_alert_opened(tool: str) -> None:
    [fires] = expected(tool, FIRES)
    [still] = expected(tool, "still-fires")
    [recovers] = expected(tool, "recovers")
    assert (fires["event_action"], still["event_action"]) == ("trigger", "trigger")
    assert recovers["event_action"] == "resolve"
    assert fires["dedup_key"] == still["dedup_key"] == recovers["dedup_key"]


@pytest.mark.parametrize("tool", builtin.names())
def test_nothing_a_tool_says_twice_becomes_two_problems(tool: str) -> None:
    """Only a key that the payload names finds its incident again; one of chance never does."""
    for file in FILES:
        if file.parent.name == tool:
            assert events(file) == events(file)


@pytest.mark.parametrize("tool", builtin.names())
def test_a_preset_compares_whole_words_only(tool: str) -> None:
    source = (presets.SOURCES / f"{tool}.yaml").read_text(encoding="utf-8")
    for name in ("contains(", "starts_with(", "ends_with("):
        assert name not in source


def test_the_compiled_presets_are_up_to_date() -> None:
    assert presets.main(["--check"]) == 0


def test_a_name_that_is_no_preset_finds_no_file() -> None:
    assert builtin.find("../compiled/github") is None
    assert builtin.find("unheard-of") is None
