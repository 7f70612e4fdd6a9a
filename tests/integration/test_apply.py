"""What `apply` changes, what it leaves alone, and what it refuses."""

import json
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import given, settings

from harness import audited
from harness.account import Refusal, Scripted
from harness.configurations import files
from harness.shell import Shell
from harness.world import World, deadline, event
from opsknight.config.ownership import Applied, Side
from opsknight.directory.windows import MaintenanceWindow
from opsknight.files.checking import check
from opsknight.files.describing import described
from opsknight.files.reading import read
from opsknight.store.configurations import Configurations
from opsknight.store.operations import Operations
from opsknight.store.plans import carry_out, plan

SECRETS = "/opsknight/opsknight/secrets/"
BY = Applied(Side.FILE, "Ada")
FILE = """
users:
  ada: {email: ada@example.com, role: ADMIN}
  carl: {email: carl@example.com, role: RESPONDER}
teams:
  web: {members: {ada: {lead: true}, carl: }}
services:
  checkout:
    team: web
    integrations: {prometheus: Prometheus, nagios: Nagios}
"""
WITHOUT_CARL = FILE.replace(", carl: }", "}").replace(
    "  carl: {email: carl@example.com, role: RESPONDER}\n", ""
)


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    shell = Shell(world)
    path = tmp_path / "opsknight.yaml"
    path.write_text(FILE)
    assert shell.opsknight("apply", path, "--yes").code == 0
    return shell


def apply(shell: Shell, text: str, *more: str) -> Any:
    return shell.opsknight("apply", "-", "--yes", "--json", *more, stdin=text)


def new_key(shell: Shell, *words: str) -> Any:
    said = shell.opsknight("keys", "create", *words, "--json")
    assert said.code == 0, said.all
    return json.loads(said.out)


def test_apply_then_export_then_plan_is_empty(world: World) -> None:
    configurations = Configurations(world.table)
    now = world.clock()

    @settings(max_examples=settings().max_examples // 2)
    @given(files())
    def goes_round(data: dict[str, Any]) -> None:
        """Each file is applied on top of the one before, so that all kinds of changes are made."""
        file = check(read({"": json.dumps(data, ensure_ascii=False)}), now).configuration
        made = plan(configurations, file, prune=True, now=now, deadline=deadline(60))
        if not made.is_empty:
            carry_out(
                configurations, made, BY, now, token_hex(8), deadline(60), audit=audited.entry
            )
        exported = Shell(world).opsknight("export")
        live = configurations.read(deadline()).configuration
        assert described(live) == described(file)
        again = check(read({"": exported.out}), now).configuration
        assert plan(configurations, again, prune=True, now=now, deadline=deadline(60)).is_empty

    goes_round()


def test_run_time_data_is_never_touched(shell: Shell) -> None:
    world = shell.world
    service = world.table.service("svc_checkout", deadline())
    assert service is not None
    now = world.clock()
    window = MaintenanceWindow(id="mw_1", start=now, end=now.replace(hour=23), reason="upgrade")
    Operations(world.table).set_windows(
        service, [window], deadline(), audit=audited.entry(), token=token_hex(8)
    )
    assert apply(shell, FILE.replace("team: web", "team: web\n    raises_urgency: true")).code == 0
    after = world.table.service("svc_checkout", deadline())
    assert after is not None
    assert (after.windows, after.raises_urgency) == ((window,), True)
    exported = shell.opsknight("export").out
    assert "upgrade" not in exported
    assert apply(shell, exported, "--prune").code == 0
    assert world.table.service("svc_checkout", deadline()) == after


def test_without_prune_what_the_file_does_not_name_stays(shell: Shell) -> None:
    said = json.loads(apply(shell, WITHOUT_CARL).out)
    assert [each["path"] for each in said["left"]] == ["users.carl"]
    carl = shell.world.table.user("user_carl", deadline())
    assert carl is not None
    assert carl.team_ids == (), "and is in no team that does not name them"


def test_prune_removes_what_nobody_needs(shell: Shell) -> None:
    assert apply(shell, WITHOUT_CARL, "--prune").code == 0
    assert shell.world.table.user("user_carl", deadline()) is None


def test_prune_never_removes_what_an_active_incident_needs(shell: Shell) -> None:
    world = shell.world
    secret = new_key(shell, "--service", "checkout", "--integration", "prometheus")["secret"]
    opened = world.send(event(), key=secret)
    said = json.loads(apply(shell, "users: {ada: {email: a@x.org, role: ADMIN}}", "--prune").out)
    kept = {each["path"]: each["incident"] for each in said["left"]}
    assert kept == dict.fromkeys(
        [
            "users.carl",
            "teams.web",
            "services.checkout",
            "services.checkout.integrations.nagios",
            "services.checkout.integrations.prometheus",
        ],
        opened.incident["id"],
    )
    assert world.send(event("resolve"), key=secret).action == "resolved"
    little = "users: {ada: {email: a@x.org, role: ADMIN}}"
    assert apply(shell, little, "--prune", "--force").code == 0
    assert world.table.service("svc_checkout", deadline()) is None


def test_keys_end_with_what_they_are_for(shell: Shell) -> None:
    world = shell.world
    gone = new_key(shell, "--service", "checkout", "--integration", "nagios")["secret"]
    stays = new_key(shell, "--service", "checkout", "--integration", "prometheus")["secret"]
    assert apply(shell, FILE.replace(", nagios: Nagios", ""), "--prune").code == 0
    # The same name later is another integration.
    assert apply(shell, FILE).code == 0
    api = world.api()
    assert world.send(event(), key=gone, api=api).status == 403
    assert world.send(event(), key=stays, api=api).status == 202


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_a_user_whose_key_is_in_use_is_not_silenced(shell: Shell, how: str) -> None:
    world = shell.world
    file, prune = WITHOUT_CARL, ["--prune"]
    if how == "disabled":
        file, prune = FILE.replace("RESPONDER}", "RESPONDER, disabled: true}"), []
    secret = new_key(shell, "--user", "carl", "--name", "Jenkins")["secret"]
    sent = event(service_id="svc_checkout")
    assert world.send(sent, key=secret).status == 202
    world.let_functions_end()
    world.send(event("resolve"), key=world.integration_key)
    world.clock.advance(days=30)
    refused = apply(shell, file, *prune)
    assert refused.code == 1
    assert "would silence 1 key in use: user carl, key 'Jenkins', used on" in refused.out
    assert world.send(event("resolve", service_id="svc_checkout"), key=secret).status == 202


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_an_integration_whose_key_is_in_use_is_not_silenced(shell: Shell, how: str) -> None:
    world = shell.world
    file, prune, what = FILE.replace(", nagios: Nagios", ""), ["--prune"], "integration"
    if how == "disabled":
        file, prune, what = (
            FILE.replace("team: web", "team: web\n    disabled: true"),
            [],
            "service",
        )
    secret = new_key(shell, "--service", "checkout", "--integration", "nagios")["secret"]
    if how == "removed":
        assert apply(shell, file, *prune).code == 0, "nobody has used the key yet"
        assert apply(shell, FILE).code == 0
        secret = new_key(shell, "--service", "checkout", "--integration", "nagios")["secret"]
    world.let_functions_end()
    assert world.send(event(), key=secret).status == 202
    assert world.send(event("resolve"), key=secret).status == 202
    world.let_functions_end()
    shown = shell.opsknight("plan", "-", *prune, stdin=file)
    assert shown.code == 2
    assert "These fall silent" in shown.out
    assert f"{what} checkout" in shown.out
    assert "needs --force" in shown.out
    refused = apply(shell, file, *prune)
    assert refused.code == 1
    assert f"in use: {what} checkout" in refused.out
    assert apply(shell, file, *prune, "--force").code == 0


def test_much_is_removed_only_by_force(shell: Shell) -> None:
    """The wrong file is given more often than a third of a company is let go."""
    little = (
        FILE.replace(", nagios: Nagios", "")
        .replace(", carl: }", "}")
        .replace("  carl: {email: carl@example.com, role: RESPONDER}\n", "")
    )
    refused = apply(shell, little, "--prune")
    assert refused.code == 1
    assert "It removes 2 of 6 entries, more than a fifth" in refused.out
    assert shell.world.table.user("user_carl", deadline()) is not None
    assert "--force" in shell.opsknight("plan", "-", "--prune", stdin=little).out
    assert apply(shell, little, "--prune", "--force").code == 0


def test_a_plan_names_whom_a_file_would_make_twice(shell: Shell) -> None:
    renamed = FILE.replace("carl", "carlo").replace("carlo@", "carl@")
    twice = "have the same e-mail address, and neither can log in by it"
    assert twice in shell.opsknight("plan", "-", stdin=renamed).out
    assert twice not in shell.opsknight("plan", "-", "--prune", stdin=renamed).out


@pytest.mark.parametrize("text", ["", "# nothing yet", "users: {}\nteams:\n", "{}"])
def test_an_empty_file_is_an_error(shell: Shell, text: str) -> None:
    """Not a wish to remove everything."""
    for command in (["plan"], ["apply", "--yes", "--force"]):
        said = shell.opsknight(*command, "-", "--prune", stdin=text)
        assert said.code == 1
        assert "There is nothing in this configuration" in said.err


def test_a_user_whose_key_is_not_in_use_can_go(shell: Shell) -> None:
    new_key(shell, "--user", "carl")
    assert apply(shell, WITHOUT_CARL, "--prune").code == 0


def test_with_force_a_key_in_use_is_silenced(shell: Shell) -> None:
    world = shell.world
    secret = new_key(shell, "--user", "carl")["secret"]
    assert world.send(event("resolve", service_id="svc_checkout"), key=secret).status == 202
    world.let_functions_end()
    assert apply(shell, WITHOUT_CARL, "--prune").code == 1
    assert apply(shell, WITHOUT_CARL, "--prune", "--force").code == 0
    assert world.send(event(service_id="svc_checkout"), key=secret).status == 401


def test_what_was_made_in_another_way_is_taken_up(world: World) -> None:
    shell = Shell(world)
    assert shell.opsknight("export").out == "{}\n"
    assert apply(shell, FILE).code == 0
    assert "checkout" in shell.opsknight("export").out
    kept = world.send(event(), key=world.integration_key)
    assert kept.status == 202, "with the keys that it had"


def test_running_escalations_keep_their_version(shell: Shell) -> None:
    table = shell.world.table
    policy = "policies: {web: {steps: [{targets: [{user: ada}]}], repeat: %d}}\n"
    for repeat in (1, 2):
        assert apply(shell, FILE + policy % repeat).code == 0
    assert apply(shell, FILE, "--prune").code == 0
    assert table.policy("pol_web", deadline()) is None
    assert apply(shell, FILE + policy % 3).code == 0
    kept = [table.policy("pol_web", deadline(), version) for version in (1, 2, 3)]
    assert [each and each.repeat for each in kept] == [1, 2, 3]
    now = table.policy("pol_web", deadline())
    assert now is not None
    assert now.version == 3


WITH_SECRET = FILE.replace(
    "    integrations:",
    "    receivers: {chat: {channel: slack, to: C0123, secret: slack-token}}\n    integrations:",
)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"Parameters": []}, "secrets/slack-token does not exist"),
        (
            {"Parameters": [{"Name": f"{SECRETS}slack-token", "Type": "String"}]},
            "is a String, which is stored in the clear",
        ),
        (Refusal("AccessDeniedException"), "Could not check whether the secrets exist"),
    ],
)
def test_the_plan_says_which_secrets_are_missing(world: World, answer: Any, said: str) -> None:
    shell = Shell(world, width=200, account=Scripted(world))
    assert shell.account is not None
    right = {"Parameters": [{"Name": f"{SECRETS}slack-token", "Type": "SecureString"}]}
    shell.account.answers["ssm.DescribeParameters"] = right
    assert "Secrets that" not in shell.opsknight("plan", "-", stdin=WITH_SECRET).out
    shell.account.answers["ssm.DescribeParameters"] = answer
    shown = shell.opsknight("plan", "-", stdin=WITH_SECRET)
    assert (shown.code, said in shown.out) == (2, True), shown.out
    # A secret may be put there afterwards.
    assert shell.opsknight("apply", "-", "--yes", stdin=WITH_SECRET).code == 0


ON_CALL = """
schedules:
  tokyo:
    zone: Asia/Tokyo
    layers: {a: {users: [ada], turn: 1w, handoff: "09:00", start: 2026-01-05}}
policies: {web: {steps: [{targets: [{schedule: tokyo}]}]}}
"""


def test_maintenance_and_overrides_speak_the_same_clock(shell: Shell) -> None:
    """That of the schedule by which the service's people are on call."""
    text = FILE.replace("team: web", "team: web\n    policy: web") + ON_CALL
    assert apply(shell, text).code == 0
    at = ["--from", "2026-12-01 18:00", "--for", "2h", "--json"]
    window = json.loads(
        shell.opsknight("maintenance", "start", "checkout", *at, "--reason", "x").out
    )
    override = json.loads(shell.opsknight("override", "add", "tokyo", "carl", *at).out)
    assert window["windows"][0]["start"] == override["start"] == "2026-12-01T09:00:00.000Z"
    assert "18:00 JST" in shell.opsknight("maintenance", "list").out
    assert "18:00 JST" in shell.opsknight("override", "list").out
