"""`opsknight` as a stranger runs it while `make run` is up: a program of its own, told nothing."""

from pathlib import Path

import pytest

from local.demo import EXAMPLE
from local.stack import Running
from tests.e2e.commands import opsknight, told

pytestmark = pytest.mark.system


def test_the_demo_is_as_its_file_says(here: Path) -> None:
    said = opsknight(here, "plan", EXAMPLE).stdout
    assert said.startswith("No changes: the local deployment is as the file says")


def test_export_then_plan_shows_no_change(here: Path) -> None:
    exported = opsknight(here, "export").stdout
    assert "No changes" in opsknight(here, "plan", "-", "--prune", stdin=exported).stdout


def test_changes_have_an_exit_code_of_their_own(here: Path) -> None:
    changed = opsknight(here, "export").stdout.replace("Nightly runs", "Runs")
    said = opsknight(here, "plan", "-", stdin=changed, code=2).stdout
    assert "integration warehouse/dbt\n    ~ name: Nightly runs → Runs" in said
    assert "\x1b" not in said, "plain where there is no terminal"


def test_an_event_is_sent_with_the_key_of_the_demo(here: Path) -> None:
    for action, became in (("trigger", "triggered"), ("resolve", "resolved")):
        sent = told(here, "send", "--action", action, "--dedup-key", "system-test")
        assert (sent["status"], sent["answer"]["result"]["action"]) == (202, became)


def test_a_new_key_works_and_a_revoked_one_is_known_as_such(here: Path) -> None:
    made = told(here, "keys", "create", "--service", "reports", "--integration", "airflow")
    sent = opsknight(here, "send", "--key", made["secret"], "--action", "resolve")
    assert sent.stdout.startswith("ignored: ")
    opsknight(here, "keys", "revoke", made["id"])
    states = {each["id"]: each["live"] for each in told(here, "keys", "list")["keys"]}
    assert states[made["id"]] is False
    refused = opsknight(here, "send", "--key", "0" * 32, code=1)
    assert refused.stderr.startswith("403: Invalid Integration Key")


def test_an_override_is_on_call_until_it_is_taken_back(here: Path) -> None:
    made = told(here, "override", "add", "follow-the-sun", "grace", "--for", "2h")
    [now] = told(here, "oncall", "--schedule", "follow-the-sun")["schedules"]
    assert (now["onCall"]["user"], now["onCall"]["override"]) == ("grace", made["id"])
    opsknight(here, "override", "remove", "follow-the-sun", made["id"])
    [now] = told(here, "oncall", "--schedule", "follow-the-sun")["schedules"]
    assert now["onCall"]["override"] is None


def test_an_incident_is_followed_to_its_end(here: Path) -> None:
    sent = told(here, "send", "--dedup-key", "followed", "--summary", "Followed")
    found = sent["answer"]["result"]["incident"]["id"]
    assert found in [each["id"] for each in told(here, "incidents", "list")["incidents"]]
    said = opsknight(here, "incidents", "ack", found[:18], "--as", "ada").stdout
    assert said.startswith("Acknowledged by Ada Lovelace.")
    opsknight(here, "incidents", "resolve", found)
    shown = told(here, "incidents", "show", found)["incident"]
    assert (shown["status"], shown["assigneeId"]) == ("RESOLVED", "user_ada")
    by = {each["what"]: each["by"]["kind"] for each in shown["timeline"] if "by" in each}
    assert (by["acknowledged"], by["resolved"]) == ("user", "operator")
    refused = opsknight(here, "incidents", "ack", found, code=1).stderr
    assert refused.startswith(f"Not possible: incident {found} is RESOLVED")


def test_a_contact_method_is_tried_by_the_deployment_itself(here: Path, deployed: Running) -> None:
    before = max((each.number for each in deployed.inbox.mailbox.after(0)), default=0)
    [delivery] = told(here, "contact", "test", "ada", "--method", "mail")["deliveries"]
    assert delivery["state"] == "SENT"
    came = [each.to for each in deployed.inbox.mailbox.after(before) if "Test message" in each.text]
    assert came == ["ada@example.com"]


def test_where_make_run_is_no_more_it_says_so(here: Path) -> None:
    settings = here.parent / ".local" / "opsknight.env"
    settings.write_text(settings.read_text().replace("127.0.0.1", "127.0.0.2"))
    said = opsknight(here, "oncall", code=1).stderr
    assert "The local deployment of `make run` no longer answers" in said
