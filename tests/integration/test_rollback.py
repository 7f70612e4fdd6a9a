"""Going back to the version before the last deploy, on a scripted account."""

import json
from typing import Any

import pytest

from harness.account import Refusal, Scripted, resources
from harness.shell import Shell
from harness.world import World


def versions(function: str, *published: str) -> dict[str, Any]:
    found = [{"Version": "$LATEST", "LastModified": "2026-11-20T10:00:00.000+0000"}]
    found += [
        {"Version": str(number), "LastModified": f"{each}.000+0000", "Description": function}
        for number, each in enumerate(published, 5)
    ]
    return {"Versions": found}


@pytest.fixture
def shell(world: World) -> Shell:
    made = Shell(world, account=Scripted(world))
    assert made.account is not None
    moved: list[dict[str, Any]] = []

    def move(asked: Any) -> dict[str, Any]:
        moved.append(asked)
        return {"FunctionVersion": "6"}

    made.account.answers |= {
        "lambda.GetAlias": {"FunctionVersion": "7", "RevisionId": "r7"},
        "lambda.ListVersionsByFunction": lambda asked: versions(
            asked["FunctionName"],
            "2026-11-01T09:00:00",
            "2026-11-10T09:00:00",
            # The last deploy left the tick alone.
            "2026-11-12T09:00:00"
            if asked["FunctionName"].startswith("Tick")
            else "2026-11-20T09:30:00",
        ),
        "lambda.UpdateAlias": move,
    }
    made.account.moved = moved  # type: ignore[attr-defined]
    return made


def test_the_functions_of_the_last_deploy_serve_the_version_before(shell: Shell) -> None:
    said = shell.opsknight("rollback", "--yes")
    assert said.code == 0, said.all
    moved: list[dict[str, Any]] = vars(shell.account)["moved"]
    names = {each["FunctionName"].strip("-") for each in moved}
    every = {
        each["LogicalResourceId"]
        for each in resources(shell.world)
        if each["ResourceType"] == "AWS::Lambda::Function"
    }
    assert names == every - {"TickFunction"}
    for each in moved:
        assert each["Name"] == "live"
        assert each["FunctionVersion"] == "6"
        # Somebody who has moved it meanwhile is not overruled, and a shift ends.
        assert each["RevisionId"] == "r7"
        assert each["RoutingConfig"] == {"AdditionalVersionWeights": {}}
    assert f"{len(every) - 1} functions serve the version before." in said.wide


def test_json_says_what_moved(shell: Shell) -> None:
    found = json.loads(shell.opsknight("rollback", "--json").out)["functions"]
    assert {(each["from"], each["to"]) for each in found} == {(7, 6)}


def test_with_snapstart_it_needs_the_last_build(shell: Shell) -> None:
    assert shell.account is not None
    shell.account.parameters["SnapStart"] = "PublishedVersions"
    said = shell.opsknight("rollback", "--yes")
    assert said.code == 1
    assert "a rollback needs the last build" in said.err.replace("\n", " ")
    assert vars(shell.account)["moved"] == []


def test_without_a_version_before_it_says_so(shell: Shell) -> None:
    assert shell.account is not None
    shell.account.answers["lambda.GetAlias"] = {"FunctionVersion": "5", "RevisionId": "r5"}
    said = shell.opsknight("rollback", "--yes", "--further")
    assert said.code == 1
    assert "No version before the last deploy is left." in said.err.replace("\n", " ")


def test_somebody_who_was_faster_is_told(shell: Shell) -> None:
    assert shell.account is not None
    shell.account.answers["lambda.UpdateAlias"] = Refusal("PreconditionFailedException", 412)
    assert shell.opsknight("rollback", "--yes").code == 1


def test_a_second_rollback_goes_no_further_back_unless_told_so(shell: Shell) -> None:
    assert shell.account is not None
    # As the first one left it.
    shell.account.answers["lambda.GetAlias"] = {"FunctionVersion": "6", "RevisionId": "r8"}
    said = shell.opsknight("rollback", "--yes")
    assert said.code == 1
    assert "an older version than that of the last deploy serves already" in said.err.replace(
        "\n", " "
    )
    assert vars(shell.account)["moved"] == []
    assert shell.opsknight("rollback", "--yes", "--further").code == 0
    assert {each["FunctionVersion"] for each in vars(shell.account)["moved"]} == {"5"}


def test_a_rollback_amid_a_shift_ends_the_shift(shell: Shell) -> None:
    assert shell.account is not None
    shell.account.answers["lambda.GetAlias"] = lambda asked: {
        "FunctionVersion": "6",
        "RevisionId": "r8",
        **(
            {"RoutingConfig": {"AdditionalVersionWeights": {"7": 0.1}}}
            if asked["FunctionName"].startswith(("Events", "Respond"))
            else {"FunctionVersion": "7"}
        ),
    }
    found = json.loads(shell.opsknight("rollback", "--json").out)["functions"]
    assert {(each["from"], each["to"]) for each in found} == {(7, 6)}
    moved = {each["FunctionName"].strip("-"): each for each in vars(shell.account)["moved"]}
    # The others had moved at once, and go back with them; the last deploy left the tick alone.
    assert {"EventsFunction", "RespondFunction", "SendFunction"} <= moved.keys()
    assert "TickFunction" not in moved
    for each in moved.values():
        assert each["FunctionVersion"] == "6"
        assert each["RoutingConfig"] == {"AdditionalVersionWeights": {}}
