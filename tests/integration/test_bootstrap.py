"""The first team, user, service, integration and keys, as `opsknight bootstrap` makes them."""

from dataclasses import replace

import pytest

from opsknight import runtime
from opsknight.directory import Role
from opsknight_cli.bootstrap import Made, Names, Unusable, bootstrap
from opsknight_cli.main import curl
from tests.harness.world import World, deadline, event

NAMES = Names(
    team="On-call", user="Ada Lovelace", email="ada@x.org", service="Büro", integration="Zabbix"
)


def make(world: World, names: Names = NAMES) -> Made:
    return bootstrap(world.table, names, world.clock(), runtime.new_id)


def test_both_keys_open_one_incident_of_the_service(moto_world: World) -> None:
    made = make(moto_world)
    assert moto_world.send(event(), key=made.integration_key).action == "triggered"
    sent = event("resolve", service_id=made.service_id)
    assert moto_world.send(sent, key=made.api_key).action == "resolved"


def test_ids_are_made_of_names(moto_world: World) -> None:
    made = make(moto_world)
    ids = (made.team_id, made.user_id, made.service_id, made.integration_id)
    assert ids == ("team_on-call", "user_ada-lovelace", "svc_buro", "int_zabbix")
    assert made.new == set(ids)


def test_the_user_is_an_admin_and_leads_the_team(moto_world: World) -> None:
    made = make(moto_world)
    user = moto_world.table.user(made.user_id, deadline())
    team = moto_world.table.team(made.team_id, deadline())
    assert user is not None
    assert team is not None
    assert (user.role, user.email, user.team_ids) == (Role.ADMIN, "ada@x.org", (made.team_id,))
    [member] = team.members
    assert (member.user_id, member.lead, member.pages) == (made.user_id, True, True)


def test_what_exists_is_used_and_said_to_be_so(moto_world: World) -> None:
    first = make(moto_world)
    second = make(moto_world, replace(NAMES, integration="Nagios", email=None))
    assert second.new == {"int_nagios"}
    assert second.service_id == first.service_id
    assert second.integration_key != first.integration_key
    for made in (first, second):
        assert moto_world.send(event(), key=made.integration_key).status == 202


@pytest.mark.parametrize(
    ("names", "saying"),
    [
        (replace(NAMES), "has an integration named 'Zabbix' already"),
        (replace(NAMES, service="BÜRO", integration="new"), "too much like 'Büro'"),
        (replace(NAMES, email="other@x.org", integration="new"), "with the address ada@x.org"),
        (replace(NAMES, user="Zoe", integration="new"), "exists without 'Zoe'"),
        (replace(NAMES, team="Storage", integration="new"), "is in another team"),
        (replace(NAMES, team="Storage", user="Zoe", integration="new"), "to another team"),
    ],
    ids=["integration", "like another", "address", "no member", "user elsewhere", "service"],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    moto_world: World, names: Names, saying: str
) -> None:
    make(moto_world)
    before = moto_world.items()
    with pytest.raises(Unusable, match=saying):
        make(moto_world, names)
    assert moto_world.items() == before


@pytest.mark.parametrize(
    ("names", "saying"),
    [
        (replace(NAMES, email=None), "give their address"),
        (replace(NAMES, email="nonsense"), "no e-mail address"),
        (replace(NAMES, team="日本"), "no letter from a to z"),
        (replace(NAMES, service="x" * 61), "longer than 60"),
    ],
    ids=["no address", "bad address", "no letter", "too long"],
)
def test_what_cannot_be_used_is_refused(moto_world: World, names: Names, saying: str) -> None:
    with pytest.raises(Unusable, match=saying):
        make(moto_world, names)


def test_the_curl_that_it_prints_survives_a_terminal_of_80_columns() -> None:
    printed = curl("https://abc123.execute-api.eu-central-1.amazonaws.com/", "0" * 32)
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert ".com/api/events" in printed
