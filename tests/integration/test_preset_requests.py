"""Tools with a preset, over HTTP: from fire to recovery, signatures, and presets of one's own."""

import base64
import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from events.integrations.batch import MOST_PARTS
from harness.settings import configure
from harness.world import SECRETS_PREFIX, Response, World, deadline, event, http_event
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import ActionRule, Preset, Scheme, Signature
from opsknight.integrations import builtin
from opsknight.store.directory_items import directory_item
from tests.integration.steps import of_kind

PAYLOADS: Final = Path(__file__).parents[1] / "presets"


def payload(tool: str, case: str) -> tuple[Any, dict[str, str]]:
    sent = json.loads((PAYLOADS / tool / f"{case}.json").read_text(encoding="utf-8"))
    return sent["body"], sent.get("headers", {})


def post(world: World, tool: str, body: object, **headers: str) -> Response:
    sent = {"authorization": f"Bearer {world.integration_key}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return world.request(http_event(body, path=f"/api/integrations/{tool}", headers=sent))


def play(world: World, tool: str, case: str) -> Response:
    body, headers = payload(tool, case)
    answer = post(world, tool, body, **headers)
    preset = builtin.find(tool)
    assert preset is not None
    assert answer.status == preset.answers, answer
    return answer


@pytest.mark.parametrize("tool", builtin.names())
def test_a_tool_opens_an_incident_and_its_recovery_resolves_it(world: World, tool: str) -> None:
    actions = [
        play(world, tool, case).body["results"][0]["action"]
        for case in ("fires", "still-fires", "recovers")
    ]
    assert actions == ["triggered", "deduplicated", "resolved"]
    assert not of_kind(world, "pointer")


def test_a_tool_that_insists_on_200_gets_it(world: World) -> None:
    """It sends again whatever is answered otherwise, after the recovery as well."""
    body, _ = payload("splunk-observability", "fires")
    assert post(world, "splunk-observability", body).status == 200
    assert post(world, "splunk-observability", {}).status == 400


def test_what_is_no_event_is_answered_and_opens_nothing(world: World) -> None:
    answer = play(world, "github", "test")
    assert answer.body["left"] == [{"place": "event 0", "why": 'its action is "ping"'}]
    assert not of_kind(world, "incident")


@pytest.mark.parametrize("body", [{}, [], "text", 7, {"heartbeat": {"status": 1}}])
def test_garbage_opens_nothing_and_is_refused(world: World, body: object) -> None:
    assert post(world, "uptime-kuma", json.dumps(body)).status == 400
    assert not of_kind(world, "incident")


OWN: Final = Preset(
    id="preset_legacy",
    name="Legacy",
    events="body.checks",
    action=ActionRule(value="item.state", trigger=("down",), resolve=("up",)),
    dedup_key="item.check",
    summary="joined(' on ', item.check, item.host)",
)


def test_a_preset_of_the_configuration_takes_every_event_of_a_body(world: World) -> None:
    world.table.put_all([directory_item(OWN)], deadline())
    checks = [{"check": name, "host": "web-1", "state": "down"} for name in ("disk", "load")]
    answer = post(world, "legacy", {"checks": [*checks, {"state": "up"}]})
    assert [each["dedupKey"] for each in answer.body["results"]] == ["disk", "load"]
    assert answer.body["notTaken"] == [{"place": "event 2", "why": "it has no dedup key"}]


def test_a_tool_that_nobody_knows_is_not_found(world: World) -> None:
    answer = post(world, "unheard-of", {})
    assert answer.status == 404
    assert "github" in answer.body["message"]


def test_more_events_than_anybody_has_are_refused(world: World) -> None:
    answer = post(world, "github", [0] * (MOST_PARTS + 1))
    assert answer.status == 413
    [report] = of_kind(world, "incident")
    assert report["internal"]


SECRET: Final = "a secret of nobody"
NEXT: Final = "whsec_" + base64.b64encode(b"the next secret").decode()


def signing(world: World, next_secret: str | None = None) -> None:
    configure(
        world,
        Integration(
            id="int_prometheus",
            service_id=world.service.id,
            name="P",
            secret="hook",
            next_secret=next_secret,
        ),
    )


def stored(world: World, name: str, value: str) -> None:
    world.ssm.put_parameter(Name=SECRETS_PREFIX + name, Value=value, Type="SecureString")


def hub(body: object, secret: str = SECRET) -> dict[str, str]:
    """As GitHub signs it."""
    digest = hmac.new(secret.encode(), json.dumps(body).encode(), sha256).hexdigest()
    return {"x_hub_signature_256": f"sha256={digest}", "x_github_event": "workflow_run"}


def test_a_signed_request_is_taken_and_any_other_refused(world: World) -> None:
    signing(world)
    stored(world, "hook", SECRET)
    body, headers = payload("github", "fires")
    assert post(world, "github", body, **headers).status == 401
    assert post(world, "github", body, **hub(body, "another")).status == 401
    changed = body | {"more": 1}
    assert post(world, "github", changed, **hub(body)).status == 401
    assert not of_kind(world, "incident")
    assert post(world, "github", body, **hub(body)).status == 202


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        ("/api/events", "Token token={}"),
        ("/v2/enqueue", ""),
        ("/v2/change/enqueue", ""),
        ("/v2/alerts", "GenieKey {}"),
        ("/v2/alerts/disk/close", "GenieKey {}"),
        ("/v2/alerts/disk/notes", "GenieKey {}"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "1"}])
def test_nor_is_the_key_enough_where_nobody_signs(
    world: World, path: str, scheme: str, headers: dict[str, str]
) -> None:
    body = event() | {"routing_key": world.integration_key, "message": "Disk", "note": "Well"}
    authorization = {"authorization": scheme.format(world.integration_key)}
    request = http_event(body, path=path, headers=headers | authorization)
    assert world.request(request).status == 202
    before = of_kind(world, "incident")
    signing(world)
    assert world.request(request).status == 401
    assert of_kind(world, "incident") == before


def test_a_tool_that_cannot_sign_is_refused_once_there_is_a_secret(world: World) -> None:
    signing(world)
    stored(world, "hook", SECRET)
    body, headers = payload("datadog", "fires")
    assert post(world, "datadog", body, **headers).status == 401


def test_during_a_rotation_either_secret_will_do(world: World) -> None:
    signing(world, next_secret="next")
    stored(world, "hook", SECRET)
    stored(world, "next", NEXT)
    body, _ = payload("github", "fires")
    assert post(world, "github", body, **hub(body, NEXT)).status == 202
    assert post(world, "github", body, **hub(body)).status == 202


def test_a_secret_that_is_not_there_is_our_fault_and_not_the_senders(world: World) -> None:
    signing(world)
    body, _ = payload("github", "fires")
    answer = post(world, "github", body, **hub(body))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


def test_the_secret_reaches_no_log_and_no_item(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    signing(world)
    stored(world, "hook", SECRET)
    body, _ = payload("github", "fires")
    post(world, "github", body, **hub(body))
    post(world, "github", body, **hub(body, "another"))
    assert SECRET not in caplog.text + capsys.readouterr().out + json.dumps(
        world.items(), default=str
    )


def test_a_secret_that_a_tool_sends_as_it_is_reaches_no_alert(world: World) -> None:
    signing(world)
    stored(world, "hook", SECRET)
    told = OWN.model_copy(
        update={
            "events": "body",
            "details": "headers",
            "signatures": (Signature(scheme=Scheme.TOKEN, header="x-tool-token"),),
        }
    )
    world.table.put_all([directory_item(told)], deadline())
    body = {"check": "disk", "host": "web-1", "state": "down"}
    assert post(world, "legacy", body, x_tool_token="another").status == 401
    assert post(world, "legacy", body, x_tool_token=SECRET, x_tool="7").status == 202
    [alert] = of_kind(world, "alert")
    assert '"x-tool":"7"' in alert["body"]["S"]
    assert SECRET not in alert["body"]["S"]
