"""The template's parts by name, as the tests of this folder ask for them."""

from collections.abc import Mapping
from typing import Any

from harness.dynamodb import template

Resource = Mapping[str, Any]


def of_type(kind: str) -> dict[str, Resource]:
    """Logical name to properties."""
    return {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def functions() -> dict[str, Resource]:
    """Logical name to properties, those of `Globals` included."""
    shared = template()["Globals"]["Function"]
    return {
        name: {
            **shared,
            **own,
            "Environment": {
                **shared["Environment"]["Variables"],
                **own["Environment"]["Variables"],
            },
        }
        for name, own in of_type("AWS::Serverless::Function").items()
    }


def stream_mappings() -> dict[str, Resource]:
    """Function to the properties of its stream mapping; each has one at most."""
    return {
        name: source["Properties"]
        for name, function in functions().items()
        for source in function.get("Events", {}).values()
        if source["Type"] == "DynamoDB"
    }
