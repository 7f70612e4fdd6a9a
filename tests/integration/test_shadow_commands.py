"""Services in shadow in the file, in a plan and in lists."""

import json
from datetime import timedelta

import pytest

from harness.shell import Shell
from harness.world import World, event

FILE = """\
users: {{ada: {{email: ada@example.com, role: ADMIN}}}}
teams: {{web: {{members: {{ada: }}}}}}
policies: {{one: {{steps: [{{targets: [{{user: ada}}]}}]}}}}
services:
  checkout: {{team: web, policy: one{more}}}
"""


def shadow(world: World, days: float) -> str:
    until = world.clock() + timedelta(days=days)
    return FILE.format(more=f', mode: shadow, until: "{until:%Y-%m-%dT%H:%M}Z"')


def test_the_plan_and_the_list_say_who_pages_nobody(world: World) -> None:
    shell = Shell(world)
    file = shadow(world, 20)
    until = f"{world.clock() + timedelta(days=20):%a %d %b %H:%M} UTC"
    said = f"IN SHADOW, paging nobody: checkout until {until}."
    assert said in shell.opsknight("plan", "-", stdin=file).out
    assert shell.opsknight("apply", "-", "--yes", stdin=file).code == 0
    assert world.send(event("trigger")).status == 202
    listed = shell.opsknight("incidents", "list")
    assert said in listed.out
    [found] = json.loads(shell.opsknight("incidents", "list", "--json").out)["incidents"]
    assert found["status"] == "SUPPRESSED"
    assert "its service is in shadow" in shell.opsknight("incidents", "show", found["id"]).out
    more = json.loads(shell.opsknight("incidents", "list", "--json").out)["shadow"]
    assert [each["service"] for each in more] == ["checkout"]
    # A rehearsal that is meant is no mistake.
    assert "mode" not in shell.opsknight("validate", "-", "--strict", stdin=file).err
    # Back to live.
    assert shell.opsknight("apply", "-", "--yes", stdin=FILE.format(more="")).code == 0
    assert "SHADOW" not in shell.opsknight("incidents", "list").out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (", mode: shadow", "needs `until`"),
        (", until: 2026-12-01", "`until` belongs to `mode: shadow`"),
        (", mode: dark, until: 2026-12-01", "live"),
    ],
)
def test_a_shadow_without_end_is_refused(world: World, more: str, said: str) -> None:
    answer = Shell(world).opsknight("validate", "-", stdin=FILE.format(more=more))
    assert answer.code == 1
    assert said in answer.all


def test_a_shadow_of_a_year_is_refused_and_one_that_is_over_named(world: World) -> None:
    shell = Shell(world)
    far = shell.opsknight("validate", "-", stdin=shadow(world, 61))
    assert (far.code, "more than 60 days ahead" in far.all) == (1, True)
    over = shell.opsknight("validate", "-", stdin=shadow(world, -1))
    assert (over.code, "The shadow ended" in over.all) == (0, True)
