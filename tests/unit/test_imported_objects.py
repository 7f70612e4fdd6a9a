"""Objects of other systems: a part that makes no sense is lost alone."""

from typing import Any

import pytest

from opsknight_cli.importing import report
from opsknight_cli.importing.comparing import compared
from opsknight_cli.importing.draft import Draft
from opsknight_cli.importing.exports import kept
from opsknight_cli.importing.outcome import Harm
from opsknight_cli.importing.pagerduty.people import add_users
from opsknight_cli.importing.pagerduty.reading import imported
from opsknight_cli.importing.pagerduty.shapes import Export, Schedule, User
from opsknight_cli.importing.wire import understood
from tests.unit.test_imported_schedules import NOW, layer

METHOD = {"id": "m1", "type": "sms_contact_method", "address": "7700900123", "country_code": 44}
USER: dict[str, Any] = {"id": "ada", "name": "Ada", "email": "ada@example.com"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time_zone": 7}, "time_zone is left out"),
        ({"teams": [{"summary": "Shop"}]}, "teams.0 is left out: its id is missing."),
        ({"contact_methods": [METHOD, METHOD | {"address": {}}]}, "contact_methods.1.address is"),
        ({"contact_methods": [METHOD], "teams": "x"}, "teams is left out"),
    ],
)
def test_a_part_is_left_out_and_the_rest_stays(wrong: dict[str, Any], said: str) -> None:
    draft = Draft("PagerDuty")
    [user] = understood(User, [USER | wrong], "user", draft)
    assert (user.id, user.email) == ("ada", "ada@example.com")
    [loss] = draft.losses
    assert (loss.harm, loss.where) == (Harm.NOT_PAGED, "user Ada")
    assert said in loss.sentence
    if "contact_methods" in wrong:
        assert user.contact_methods[0].address == "7700900123"


@pytest.mark.parametrize("sent", [None, 7, [], "ada", {}, {"name": "Ada"}])
def test_what_is_no_object_is_lost_as_a_whole(sent: object) -> None:
    draft = Draft("PagerDuty")
    assert understood(User, [sent, USER], "user", draft) == [User.model_validate(USER)]
    assert [each.harm for each in draft.losses] == [Harm.NOT_PAGED]
    assert "is not in the file" in draft.losses[0].sentence


def test_people_without_contact_methods_are_lost_first() -> None:
    for sent, harm in (
        (USER, Harm.NOT_PAGED),
        (
            USER | {"contact_methods": [{"id": "m", "type": "sms_contact_method_reference"}]},
            Harm.NOT_PAGED,
        ),
        (USER | {"contact_methods": [METHOD]}, Harm.PAGED_OTHERWISE),
        (USER | {"contact_methods": [METHOD], "role": "observer"}, None),
    ):
        draft = Draft("PagerDuty")
        assert add_users(Export.model_validate({"users": [sent]}), draft)
        assert [each.harm for each in draft.losses] == ([harm] if harm else [])


def test_null_is_as_good_as_nothing() -> None:
    draft = Draft("PagerDuty")
    sent = USER | {"contact_methods": None, "notification_rules": None, "role": None}
    [user] = understood(User, [sent], "user", draft)
    assert (user.contact_methods, user.role, draft.losses) == ((), "user", [])


def test_a_layer_that_makes_no_sense_is_left_out_of_its_schedule() -> None:
    users = [{"user": {"id": "ada"}}]
    good = layer("ada") | {"users": users}
    bad = {name: each for name, each in good.items() if name != "rotation_virtual_start"}
    draft = Draft("PagerDuty")
    sent = {"id": "S", "name": "Shop", "schedule_layers": [bad, good]}
    [schedule] = understood(Schedule, [sent], "schedule", draft)
    assert len(schedule.schedule_layers) == 1
    assert "schedule_layers.0 is left out: its rotation_virtual_start" in draft.losses[0].sentence


def test_no_name_steers_a_terminal_or_breaks_a_table() -> None:
    name = "Shop\x1b[2J\n| x \u202e"
    export = Export.model_validate(
        {"users": [USER], "schedules": [{"id": "S", "name": name}], "policies": []}
    )
    found = imported(export, NOW)
    assert found.losses
    page = report.page(found, compared(found, NOW), (), NOW)
    assert all(each.isprintable() for each in page.splitlines())
    [schedule] = found.configuration.schedules.values()
    assert schedule.name.isprintable()


def test_what_is_kept_of_an_orchestration_lets_nobody_in_elsewhere() -> None:
    header = {"key": "Authorization", "value": "Bearer secret"}
    called = {"name": "Restart", "url": "https://jenkins.example.com", "headers": [header]}
    actions = {"severity": "critical", "automation_actions": [called]}
    path = {"type": "service", "sets": [{"id": "start", "rules": [{"actions": actions}]}]}
    text = kept({"orchestration_paths": [path]})["orchestration_paths.json"]
    assert "critical" in text and "secret" not in text
