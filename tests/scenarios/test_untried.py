"""A step waits for the page before it, if by our own fault nobody has tried to send that."""

import pytest

from harness.pipeline import Pipeline, step
from harness.post import NOTICES, PAGES, PAGES_HIGH, PLANS
from harness.world import World, deadline
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.incident.model import Urgency
from opsknight.incident.timeline import ChangeKind
from opsknight.store.directory_items import directory_item
from opsknight.views.sentences import said

NOBODY_SENDS = frozenset({PAGES, PAGES_HIGH, NOTICES})
NOBODY_PLANS = NOBODY_SENDS | {PLANS}


@pytest.fixture
def night(world: World) -> Pipeline:
    made = Pipeline(world)
    for name in ("ada", "ben", "eve"):
        mail = Receiver(id=f"{name}/mail", name="", channel=Channel.EMAIL, to=f"{name}@x.org")
        once = [NotificationRule(urgency=each, method_id=mail.id) for each in Urgency]
        known = User(id=f"user_{name}", name=name.title(), email="", role=Role.USER)
        more = {"contact_methods": (mail,), "rules": tuple(once)}
        made.put(directory_item(known.model_copy(update=more)))
    made.escalates(step("ada"), step("ben", after=2), repeat_after=36_000)
    return made


def breaks(night: Pipeline, down: frozenset[str]) -> None:
    """From now on the stream reaches nobody either."""
    night.streaming, night.down = not down, down


def opens(night: Pipeline, down: frozenset[str]) -> str:
    """Nobody is there to tell Ada."""
    breaks(night, down)
    opened = night.trigger()
    night.engine.advance(opened, deadline())
    [page] = night.all_pages()
    if down == NOBODY_SENDS:
        night.planning.page(opened, page.page_no, page.user_id, deadline())
    return opened


def waits(night: Pipeline, incident_id: str) -> list[str]:
    changes = night.world.table.changes(incident_id, deadline())
    found = [each for each in changes if each.what is ChangeKind.DELAYED]
    return [said(each, str, str) for each in found]


@pytest.mark.parametrize("down", [NOBODY_PLANS, NOBODY_SENDS], ids=["planned", "sent"])
def test_a_step_waits_for_the_page_before_it_and_the_timeline_says_so(
    night: Pipeline, down: frozenset[str]
) -> None:
    opened = opens(night, down)
    night.wait(minutes=5).hears()
    night.pages("ada")
    assert waits(night, opened) == [
        "The next step waits: nobody has tried to send the page before it"
    ]
    breaks(night, frozenset())
    # The next tick finds her page, and the next look that it was tried.
    night.wait(minutes=1, seconds=20)
    night.hears("ada/mail paged", "ben/mail paged")
    night.pages("ben")
    night.fallback(0)


def test_it_waits_for_five_minutes_at_most(night: Pipeline) -> None:
    opened = opens(night, NOBODY_PLANS)
    night.wait(minutes=6, seconds=50).pages("ada")
    night.wait(seconds=20).pages("ben")
    assert len(waits(night, opened)) == 1


def test_it_comes_at_its_time_if_somebody_of_the_step_before_was_tried(night: Pipeline) -> None:
    night.escalates(step("ada", "eve"), step("ben", after=2), version=2, repeat_after=36_000)
    night.streaming = False
    opened = night.trigger()
    night.engine.advance(opened, deadline())
    [page] = [each for each in night.all_pages() if each.user_id == "user_eve"]
    night.planning.page(opened, page.page_no, page.user_id, deadline())
    night.settle().hears("eve/mail paged")
    night.down = NOBODY_PLANS
    night.wait(minutes=2, seconds=1)
    night.pages("ada", "eve", "ben")
    assert not waits(night, opened)


def test_a_step_that_comes_with_the_one_before_does_not_wait(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben"), version=2, repeat_after=36_000)
    opened = night.trigger()
    night.hears("ada/mail paged", "ben/mail paged")
    assert not waits(night, opened)
