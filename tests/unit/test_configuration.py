"""The steps that turn one configuration into another, and their order."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from harness.configurations import files
from opsknight.config.configuration import Configuration, Entry, key_of, kind_of, references
from opsknight.config.diff import Create, InUse, Remove, Update, desired, steps
from opsknight.config.lint import dangling
from opsknight.files.checking import check
from opsknight.files.describing import fields
from opsknight.files.reading import read

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def configuration(data: Any) -> Configuration:
    return check(read({"": json.dumps(data, ensure_ascii=False)}), NOW).configuration


ROUTED: Any = {
    "users": {"ada": {"email": "ada@example.com", "role": "ADMIN"}},
    "teams": {"web": {"members": {"ada": {}}}},
    "services": {
        "shop": {
            "team": "web",
            "integrations": {
                "plain": "Plain",
                "company": {"routes": [{"when": "`true`", "service": "shop"}]},
            },
        }
    },
}


def test_an_integration_that_had_routes_is_looked_up_for_ever() -> None:
    """Its incidents may be anywhere, and a resolve has to find them."""
    live = desired(Configuration(), configuration(ROUTED), prune=True).configuration
    assert live.services["svc_shop"].looked_up == ("int_company",)
    bare = json.loads(json.dumps(ROUTED))
    bare["services"]["shop"]["integrations"]["company"] = "Company"
    after = desired(live, configuration(bare), prune=True).configuration
    assert after.integrations["svc_shop/int_company"].remembers
    assert after.services["svc_shop"].looked_up == ("int_company",)
    never = desired(Configuration(), configuration(bare), prune=True).configuration
    assert never.services["svc_shop"].looked_up is None


BY_CRON = {"cron": "30 2 * * mon-fri", "zone": "Europe/Berlin", "grace": "30m"}


def test_a_heartbeat_is_described_as_the_file_has_it_and_looked_up() -> None:
    heartbeat = {"every": "1d", "grace": "30m", "runs_at_most": "2h", "severity": "warning"}
    for section in (heartbeat, {"every": "5m"}, BY_CRON):
        data = json.loads(json.dumps(ROUTED))
        data["services"]["shop"]["integrations"] = {"plain": "Plain", "job": {"heartbeat": section}}
        live = desired(Configuration(), configuration(data), prune=True).configuration
        assert live.services["svc_shop"].looked_up == ("int_job",)
        assert fields(live.integrations["svc_shop/int_job"]) == {"heartbeat": section}
    for wrong in (
        {},
        {"every": "1s"},
        {"every": "5m", "grace": "8d"},
        {"every": "5m", "cron": "@daily"},
        {"cron": "x"},
        {"every": "5m", "zone": "UTC"},
    ):
        data["services"]["shop"]["integrations"]["job"] = {"heartbeat": wrong}
        checked = check(read({"": json.dumps(data)}), NOW)
        assert [each.severity for each in checked.problems if "heartbeat" in str(each.path)]


@given(files(), files())
def test_no_reference_dangles_after_any_step(one: Any, other: Any) -> None:
    live = desired(Configuration(), configuration(one), prune=True).configuration
    wanted = desired(live, configuration(other), prune=True).configuration
    held: dict[Any, Entry] = {(kind_of(each), key_of(each)): each for each in live.entries()}
    for step in steps(live, wanted):
        place = kind_of(step.entry), key_of(step.entry)
        match step:
            case Create(entry):
                assert place not in held
                held[place] = entry
            case Update(before, entry):
                assert held[place] == before
                held[place] = entry
            case Remove():
                del held[place]
        assert list(dangling(Configuration.of(held.values()))) == []
    assert Configuration.of(held.values()) == wanted
    assert steps(wanted, wanted) == ()


@given(files(), files())
def test_without_prune_nothing_is_removed_but_receivers(one: Any, other: Any) -> None:
    live = desired(Configuration(), configuration(one), prune=True).configuration
    result = desired(live, configuration(other), prune=False)
    gone = [step.entry for step in steps(live, result.configuration) if isinstance(step, Remove)]
    assert all(key_of(each).startswith("svc_") and "/rcv_" in key_of(each) for each in gone)
    assert list(dangling(result.configuration)) == []


@given(files(), files())
def test_what_an_active_incident_needs_stays_whole(one: Any, other: Any) -> None:
    live = desired(Configuration(), configuration(one), prune=True).configuration
    in_use = [InUse("inc_1", service_id) for service_id in live.services]
    result = desired(live, configuration(other), prune=True, in_use=in_use)
    kept = result.configuration
    assert live.services.keys() <= kept.services.keys()
    assert live.integrations.keys() <= kept.integrations.keys()
    assert list(dangling(kept)) == []


@pytest.mark.parametrize("kind", ["policy_id", "assignee_id"])
def test_an_incident_needs_the_policy_and_the_person_that_it_went_to(kind: str) -> None:
    data = {
        "users": {"ada": {"email": "a@x.org", "role": "USER"}},
        "teams": {"web": {}},
        "policies": {"old": {"steps": [{"targets": [{"user": "ada"}]}]}},
        "services": {"shop": {"team": "web"}},
    }
    live = desired(Configuration(), configuration(data), prune=True).configuration
    needed = {"policy_id": "pol_old"} if kind == "policy_id" else {"assignee_id": "user_ada"}
    result = desired(
        live, Configuration(), prune=True, in_use=[InUse("inc_1", "svc_shop", **needed)]
    )
    assert "user_ada" in result.configuration.users
    assert ("pol_old" in result.configuration.policies) is (kind == "policy_id")
    assert {each.incident_id for each in result.kept} == {"inc_1"}


def test_a_policy_gets_a_new_version_only_when_it_changes() -> None:
    def file(repeat: int) -> Configuration:
        step = {"targets": [{"team": "web"}]}
        return configuration(
            {"teams": {"web": {}}, "policies": {"p": {"steps": [step], "repeat": repeat}}}
        )

    first = desired(Configuration(), file(1), prune=False).configuration
    assert desired(first, file(1), prune=False).configuration == first
    second = desired(first, file(2), prune=False).configuration
    assert [each.policies["pol_p"].version for each in (first, second)] == [1, 2]


def test_users_repeat_the_teams_that_name_them() -> None:
    user = {"email": "a@x.org", "role": "USER"}
    live = configuration({"users": {"ada": user}, "teams": {"old": {"members": {"ada": None}}}})
    file = configuration({"users": {"ada": user}, "teams": {"new": {"members": {"ada": None}}}})
    both = desired(live, file, prune=False).configuration
    assert both.users["user_ada"].team_ids == ("team_new", "team_old")
    assert desired(live, file, prune=True).configuration.users["user_ada"].team_ids == ("team_new",)


def test_every_kind_of_entry_says_what_it_refers_to() -> None:
    data = {
        "users": {"ada": {"email": "a@x.org", "role": "USER"}},
        "teams": {"web": {"members": {"ada": None}}},
        "policies": {"p": {"steps": [{"targets": [{"team_leads": "web"}]}]}},
        "services": {"shop": {"team": "web", "policy": "p", "integrations": {"i": "I"}}},
        "status_pages": {"page": {"services": ["shop"]}},
    }
    found = {each.id for entry in configuration(data).entries() for each in references(entry)}
    assert found == {"user_ada", "team_web", "pol_p", "svc_shop"}
