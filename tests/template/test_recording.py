"""No call of DynamoDB escapes the roles: each part of the tree is somebody's, each thread works for
somebody, and each kind of call that the store can make is made by a function that is watched.
"""

import ast
from types import SimpleNamespace
from typing import Any, Final

import pytest

from escalation import sweep
from harness.dynamodb import ROOT
from harness.policies import statements
from harness.recording import DENIED, Denied, owners
from harness.world import World, deadline
from tests.template.parts import functions

STORE: Final = ROOT / "layers/common/opsknight/store"
OPERATIONS: Final = {
    "batch_get_item": "BatchGetItem",
    "batch_write_item": "BatchWriteItem",
    "delete_item": "DeleteItem",
    "get_item": "GetItem",
    "put_item": "PutItem",
    "query": "Query",
    "scan": "Scan",
    "update_item": "UpdateItem",
}
# `opsknight restore` reads a whole copy, in the name of an operator.
OPERATORS: Final = {"Scan"}


def test_every_part_of_the_tree_is_judged_in_the_name_of_its_functions() -> None:
    packages = {each.parent.name for each in (ROOT / "functions").glob("*/__init__.py")}
    assert packages
    owned = {name for each in packages for name in _owners(each)}
    # It asks for nothing in the table.
    assert owned == set(functions()) - {"StatusFunction"}


def _owners(package: str) -> tuple[str, ...]:
    files = [f"{ROOT}/functions/{package}/{name}.py" for name in ("any", "keep", "configurator")]
    return tuple(name for each in files for name in owners(each))


def test_a_thread_of_a_pool_is_judged_in_the_name_of_who_asked_it(world: World) -> None:
    """The sweep attends to incidents side by side."""

    def removes_a_service(*_: object, **__: object) -> None:
        key = {"pk": {"S": "service#svc_1"}, "sk": {"S": "service"}}
        world.table.client.delete_item(TableName=world.table.name, Key=key)

    engine: Any = SimpleNamespace(side_by_side=2, attend=removes_a_service)
    with pytest.raises(Denied, match="may not DeleteItem"):
        sweep._attend(["inc_1", "inc_2"], frozenset(), engine, deadline())
    DENIED.clear()


def test_every_kind_of_call_of_the_store_is_one_of_a_watched_function() -> None:
    """Each is in a role, and what is in a role is made by its function in test_permissions.py."""
    made = {
        node.attr
        for path in STORE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    kinds = {OPERATIONS[each] for each in made & OPERATIONS.keys()} - OPERATORS
    indexes = {
        keyword.value.value
        for path in STORE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "IndexName" and isinstance(keyword.value, ast.Constant)
    }
    allowed = {
        (action.partition(":")[2], resource)
        for function in functions()
        for each in statements(function)
        for action in each.actions
        for resource in each.resources
        if action.startswith("dynamodb:")
        and resource.startswith("Table")
        and "Stream" not in resource
    }
    assert {action for action, resource in allowed if resource == "Table"} == {
        *kinds,
        "ConditionCheckItem",
    }
    assert indexes <= {each.partition("/index/")[2] for _, each in allowed}
