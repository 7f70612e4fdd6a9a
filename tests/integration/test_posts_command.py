"""`opsknight posts`: what operators tell the readers of public status pages."""

import json
from typing import Any

import pytest

from harness.desk import Desk
from harness.publisher import Publisher
from harness.shell import Shell
from harness.world import World


@pytest.fixture
def publisher(world: World) -> Publisher:
    made = Publisher(world)
    made.publish(services=[world.service.id])
    Desk(world).configured(
        services=["svc_checkout", "svc_reports"],
        teams=["team_web", "team_data"],
        users=["user_ada", "user_ben", "user_eve"],
        status_pages=["page_example"],
    )
    return made


@pytest.fixture
def shell(publisher: Publisher) -> Shell:
    return Shell(publisher.world)


def told(shell: Shell, *words: str) -> Any:
    said = shell.opsknight("posts", *words, "--json")
    assert (said.code, said.err) == (0, ""), said.all
    return json.loads(said.out)


def test_a_post_is_added_updated_and_over(shell: Shell, publisher: Publisher) -> None:
    words = ("example", "Payments fail", "--text", "We look.", "--service", "checkout=down")
    post = told(shell, "add", *words)["post"]
    assert post["services"] == {"checkout": "down"}
    publisher.render()
    assert "Payments fail" in publisher.get().text
    shell.world.clock.advance(minutes=2)
    more = ("--text", "Most work.", "--service", "checkout=degraded")
    assert told(shell, "update", "example", post["id"], *more)["post"]["over"] is False
    over = ("--text", "All work.", "--phase", "resolved")
    assert told(shell, "update", "example", post["id"], *over)["post"]["over"] is True
    publisher.seconds += 10
    publisher.render()
    assert "All systems operational" in publisher.get().text
    listed = shell.opsknight("posts", "list", "example")
    assert "Payments fail" in listed.out
    refused = shell.opsknight("posts", "update", "example", post["id"], *over)
    assert (refused.code, refused.err) == (1, "The post is over: only a text can be added.\n")


def test_maintenance_is_planned_and_withdrawn(shell: Shell, publisher: Publisher) -> None:
    words = ("example", "A new database", "--text", "One hour.", "--service", "checkout")
    post = told(shell, "add", *words, "--from", "+2h", "--for", "1h")["post"]
    assert (post["kind"], post["services"]) == ("maintenance", {"checkout": "none"})
    publisher.render()
    assert "A new database" in publisher.get().text
    assert told(shell, "withdraw", "example", post["id"]) == {"withdrawn": post["id"]}
    publisher.seconds += 10
    publisher.render()
    assert "A new database" not in str(publisher.objects())
    assert told(shell, "list", "example") == {"posts": []}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("none", "T", "--text", "T", "--service", "checkout"), "There is no status page"),
        (("example", "T", "--text", "T", "--service", "chekout"), 'There is no service called "'),
        (("example", "T", "--text", "T", "--service", "reports"), "does not show reports"),
        (("example", "T", "--text", "T", "--service", "checkout=bad"), '"bad" is no state'),
        (("example", "T", "--text", "T", "--service", "checkout=none"), "Name a service"),
        (("example", "T", "--text", " ", "--service", "checkout"), "1 to 1500 characters"),
    ],
)
def test_what_is_not_right_is_told_and_posts_nothing(
    shell: Shell, words: tuple[str, ...], why: str
) -> None:
    said = shell.opsknight("posts", "add", *words)
    assert said.code != 0
    assert why in " ".join(said.err.split())
    assert told(shell, "list", "example") == {"posts": []}
