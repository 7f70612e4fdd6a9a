"""Removing a deployment with all that its stack leaves behind, on a scripted account."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.account import Refusal, Scripted
from harness.shell import Shell
from harness.world import World

MINE = ["opsknight-Table-1A2B", "opsknight-RatesTable-3C4D"]
OTHERS = ["opsknight-two-Table-1A2B", "opsknight-Table-restored", "orders"]
BUCKETS = ["opsknight-statuspages-1a2b", "opsknight-two-statuspages-1a2b", "orders"]
ELSEWHERE = "opsknight-statuspages-9z8y"
LOGS = ["/aws/lambda/opsknight-events", "/aws/lambda/opsknight-two-events"]


class DynamoDB:
    def __init__(self, done: list[str]) -> None:
        self.done = done

    def get_paginator(self, name: str) -> Any:
        assert name == "list_tables"
        pages = [{"TableNames": [*MINE, *OTHERS]}]
        return type("Pages", (), {"paginate": lambda _: pages})()

    def update_table(self, TableName: str, DeletionProtectionEnabled: bool) -> None:
        assert DeletionProtectionEnabled is False
        self.done.append(f"unprotect {TableName}")

    def delete_table(self, TableName: str) -> None:
        self.done.append(f"delete {TableName}")


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def shell(world: World, done: list[str]) -> Shell:
    account = Scripted(world)
    made = Shell(world, account=account)
    account.other = {"dynamodb": DynamoDB(done)}

    def note(what: str, answer: Any) -> Callable[[Any], Any]:
        def noted(asked: Any) -> Any:
            done.append(f"{what} {next(iter(asked.values()))}")
            return answer

        return noted

    def gone(asked: Any) -> Any:
        done.append("delete the stack")
        account.answers["cloudformation.DescribeStacks"] = Refusal("ValidationError")
        return {}

    account.answers |= {
        "cloudformation.DeleteStack": gone,
        "ssm.GetParametersByPath": lambda asked: {
            "Parameters": [{"Name": f"{asked['Path']}link-key"}]
        },
        "ssm.DeleteParameters": note("delete", {}),
        "logs.DescribeLogGroups": lambda asked: {
            "logGroups": [
                {"logGroupName": each}
                for each in LOGS
                if each.startswith(asked["logGroupNamePrefix"])
            ]
        },
        "logs.DeleteLogGroup": note("delete", {}),
        # A stack of this name in another region is not this one.
        "s3.ListBuckets": lambda asked: {
            "Buckets": [
                {"Name": each} for each in BUCKETS + [ELSEWHERE] * ("BucketRegion" not in asked)
            ]
        },
        "s3.ListObjectsV2": {"Contents": [{"Key": "status/example"}]},
        "s3.DeleteObjects": note("empty", {}),
        "s3.DeleteBucket": note("delete", {}),
    }
    return made


EVERYTHING = [
    "unprotect opsknight-Table-1A2B",
    "delete opsknight-Table-1A2B",
    "unprotect opsknight-RatesTable-3C4D",
    "delete opsknight-RatesTable-3C4D",
    "delete ['/opsknight/opsknight/link-key']",
    "delete /aws/lambda/opsknight-events",
    "empty opsknight-statuspages-1a2b",
    "delete opsknight-statuspages-1a2b",
]


def test_all_that_is_its_own_is_deleted_and_nothing_of_others(
    shell: Shell, done: list[str]
) -> None:
    said = shell.opsknight("remove", "--yes-remove", "opsknight")
    assert said.code == 0, said.all
    assert done == ["delete the stack", *EVERYTHING]


@pytest.mark.parametrize("name", ["yes", "Opsknight", ""])
def test_another_name_deletes_nothing(shell: Shell, done: list[str], name: str) -> None:
    assert shell.opsknight("remove", "--yes-remove", name).code == 1
    assert done == []
    # A program has nobody to ask.
    assert shell.opsknight("remove", "--json").code == 1
    assert done == []


def test_what_a_failed_first_deploy_has_left_is_deleted(shell: Shell, done: list[str]) -> None:
    assert shell.account is not None
    shell.account.answers["cloudformation.DescribeStacks"] = Refusal("ValidationError")
    assert shell.opsknight("remove", "--yes-remove", "opsknight").code == 0
    assert done == EVERYTHING


def test_a_stack_that_cannot_be_deleted_keeps_its_tables(shell: Shell, done: list[str]) -> None:
    assert shell.account is not None

    def failed(_: Any) -> Any:
        stack = {"StackName": "opsknight", "StackStatus": "DELETE_FAILED"}
        assert shell.account is not None
        shell.account.answers["cloudformation.DescribeStacks"] = {"Stacks": [stack]}
        return {}

    shell.account.answers["cloudformation.DeleteStack"] = failed
    said = shell.opsknight("remove", "--yes-remove", "opsknight")
    assert said.code == 1
    assert "The tables are still there." in said.err.replace("\n", " ")
    assert done == []
