"""Imports from the APIs of other systems, which are played here from the same exports."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.other_systems import Played, Query, playing
from harness.shell import Shell
from harness.world import World
from opsknight_cli.importing.opsgenie import files as opsgenie_files
from opsknight_cli.importing.pagerduty import files as pagerduty_files

EXPORTS = Path(__file__).parents[1] / "exports"
FAILED, USAGE = 1, 64
# So few that each list has several pages.
PAGE = 2
TOKEN = "u+0123456789abcdef"


def pagerduty(path: str, query: Query) -> Any:
    export = pagerduty_files.read(str(EXPORTS / "pagerduty")).model_dump()
    match path.strip("/").split("/"):
        case ["teams", team, "members"]:
            members = [it for it in export["team_memberships"] if it["team"]["id"] == team]
            return {"members": members, "more": False}
        case ["schedules", schedule_id]:
            assert query["since"] == ["2026-11-23T03:00:00Z"]
            return {"schedule": next(it for it in export["schedules"] if it["id"] == schedule_id)}
        case ["schedules", schedule_id, "overrides"]:
            schedule = next(it for it in export["schedules"] if it["id"] == schedule_id)
            return {"overrides": schedule["overrides_subschedule"]["rendered_schedule_entries"]}
        case ["event_orchestrations", "services", _, "active"]:
            return {"active": True}
        case ["event_orchestrations", *rest] if rest:
            of = {
                "router": ("router", rest[0]),
                "global": ("global", rest[0]),
            }.get(rest[-1], ("service", rest[-1]))
            if len(rest) == 1:
                return {"orchestration": export["event_orchestrations"][0]}
            paths = {(it["type"], it["parent"]["id"]): it for it in export["orchestration_paths"]}
            return {"orchestration_path": paths[of]} if of in paths else None
        case [kind] if kind in export or kind == "event_orchestrations":
            name = "orchestrations" if kind == "event_orchestrations" else kind
            found = export[kind]
            if kind == "maintenance_windows" and query["filter"] == ["ongoing"]:
                found = ()
            start = int(query["offset"][0])
            return {
                name: found[start : start + PAGE],
                "more": start + PAGE < len(found),
                "offset": start,
            }
        case _:
            return None


def opsgenie(path: str, query: Query) -> Any:
    export = opsgenie_files.read(str(EXPORTS / "opsgenie")).model_dump()
    whole = {(kind, each.get("id")): each for kind, several in export.items() for each in several}

    def listed(found: Any) -> Any:
        """Page by page, each with the address of the next one."""
        start = int(query.get("offset", ["0"])[0])
        more = start + PAGE < len(found)
        where = f"https://elsewhere.example.com{path}?offset={start + PAGE}"
        rest = {name: value for name, value in query.items() if name != "offset"}
        where += "".join(f"&{name}={value[0]}" for name, value in rest.items())
        return {
            "data": found[start : start + PAGE],
            "paging": {"next": where} if more else {},
        }

    match path.strip("/").split("/")[1:]:
        case ["users", user_id, "notification-rules", rule_id]:
            rules = whole["users", user_id]["notificationRuleList"]
            return {"data": next(it for it in rules if it["id"] == rule_id)}
        case ["users", user_id, "notification-rules"]:
            rules = whole["users", user_id]["notificationRuleList"]
            return listed([{name: it[name] for name in ("id", "actionType")} for it in rules])
        case ["teams", team_id, "routing-rules"]:
            return listed(whole["teams", team_id]["teamRoutingRules"])
        case ["schedules", schedule_id, "overrides"]:
            return listed(whole["schedules", schedule_id].get("scheduleOverrideList", []))
        case ["schedules", schedule_id, "timeline"]:
            return {"data": whole["schedules", schedule_id].get("timeline")}
        case ["policies", ("alert" | "notification") as kind]:
            of = query.get("teamId", [None])[0]
            found = [it for it in export["policies"] if it["type"] == kind and it["teamId"] == of]
            return listed([{name: it[name] for name in ("id", "name", "enabled")} for it in found])
        case ["heartbeats"]:
            return {"data": {"heartbeats": export["heartbeats"]}}
        case ["forwarding-rules"]:
            return listed(export["forwardings"])
        case [kind]:
            brief = ("userContacts", "notificationRuleList", "members", "teamRoutingRules", "rules")
            keep = () if kind in ("escalations", "schedules") else brief
            hidden = {*keep, "scheduleOverrideList", "timeline"}
            return listed(
                [
                    {name: value for name, value in it.items() if name not in hidden}
                    for it in export[kind]
                ]
            )
        case [kind, one]:
            apart = ("notificationRuleList", "teamRoutingRules")
            each = whole[kind, one].items()
            return {"data": {name: value for name, value in each if name not in apart}}
        case _:
            return None


SYSTEMS = {
    "pagerduty": (pagerduty, f"Token token={TOKEN}", "PAGERDUTY_TOKEN"),
    "opsgenie": (opsgenie, f"GenieKey {TOKEN}", "OPSGENIE_API_KEY"),
}
FILES = ("opsknight.yaml", "people.yaml", "afterwards.json")


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setenv(SYSTEMS[name][2], TOKEN)
    return name


@pytest.fixture
def shell(world: World) -> Shell:
    return Shell(world)


def played(system: str, **more: Any) -> Played:
    answering, authorization, _ = SYSTEMS[system]
    return Played(answering, authorization, **more)


def test_the_api_says_what_the_files_say(system: str, shell: Shell, tmp_path: Path) -> None:
    files, api, again = (tmp_path / name for name in ("files", "api", "again"))
    assert shell.opsknight("import", system, "--from", EXPORTS / system, "--into", files).code == 0
    with playing(played(system)) as there:
        said = shell.opsknight(
            "import", system, "--api", there.url, "--into", api, "--save", tmp_path / "kept"
        )
    assert said.code == 0, said.all
    # What was kept can be imported again, and holds no key.
    kept = "".join(each.read_text() for each in (tmp_path / "kept").iterdir())
    assert "11111111111111111111111111111111" not in kept
    assert TOKEN not in kept + said.all
    said = shell.opsknight("import", system, "--from", tmp_path / "kept", "--into", again)
    assert said.code == 0, said.all
    for name in FILES:
        expected = (files / name).read_text()
        assert (api / name).read_text() == expected
        assert (again / name).read_text() == expected


def test_limits_and_failures_that_pass_are_waited_for(
    system: str, shell: Shell, tmp_path: Path
) -> None:
    trouble = [(429, {"ratelimit-reset": "7"}), (503, {}), (0, {}), (429, {"Retry-After": "x"})]
    before = shell.world.clock()
    with playing(played(system, trouble=trouble)) as there:
        said = shell.opsknight("import", system, "--api", there.url, "--into", tmp_path / "a")
    assert said.code == 0, said.all
    # 7 seconds as it was told to, then 2, 4 and 8.
    assert (shell.world.clock() - before).total_seconds() == 21


def test_a_failure_that_does_not_pass_ends_it(system: str, shell: Shell, tmp_path: Path) -> None:
    with playing(played(system, trouble=[(500, {})] * 8)) as there:
        said = shell.opsknight("import", system, "--api", there.url, "--into", tmp_path / "a")
    assert (said.code, len(there.asked)) == (FAILED, 8)
    assert "in 8 tries; the last one: 500" in " ".join(said.err.split())
    assert not (tmp_path / "a").exists()


def test_what_the_token_may_not_read_is_lost_first(
    system: str, shell: Shell, tmp_path: Path
) -> None:
    refuses = ("/schedules", "/v2/schedules")
    with playing(played(system, refuses=refuses)) as there:
        said = shell.opsknight(
            "import", system, "--api", there.url, "--into", tmp_path / "a", "--json"
        )
    found, _ = json.JSONDecoder().raw_decode(said.out)
    losses = found["losses"]
    assert {"harm": "not paged"}.items() <= losses[0].items()
    assert any("may not read this" in each["sentence"] for each in losses)


def test_a_token_is_needed_and_has_to_be_right(
    system: str, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = SYSTEMS[system][2]
    monkeypatch.setenv(variable, "another")
    with playing(played(system)) as there:
        said = shell.opsknight("import", system, "--api", there.url, "--into", tmp_path / "a")
    assert said.code == FAILED
    assert variable in said.err
    assert "another" not in said.err
    monkeypatch.delenv(variable)
    assert shell.opsknight("import", system, "--into", tmp_path / "a").code == USAGE


@pytest.mark.parametrize("url", ["http://api.example.com", "https://a:b@example.com", "ftp://x"])
def test_no_token_goes_to_such_an_address(url: str, system: str, shell: Shell) -> None:
    said = shell.opsknight("import", system, "--api", url)
    assert said.code == USAGE
    assert "not an address of an API" in said.err


def test_a_redirect_is_not_followed(system: str, shell: Shell, tmp_path: Path) -> None:
    with playing(played(system)) as other:
        trouble = [(302, {"Location": other.url})]
        with playing(played(system, trouble=trouble)) as there:
            said = shell.opsknight("import", system, "--api", there.url, "--into", tmp_path / "a")
    assert said.code == FAILED
    assert other.asked == []
