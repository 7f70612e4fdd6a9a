"""The template as CloudFormation gets it: SAM's own transform, with parameters of the test.

What CloudFormation makes of it is not run: `served` says what its documented rules come to.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from harness.dynamodb import template

CODE = "s3://bucket/code-1"
LAYER = "s3://bucket/layer-1"
_PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "opsknight",
    "AWS::URLSuffix": "amazonaws.com",
}
_REQUIRED = {"OperatorEmail": "ops@example.com", "FallbackEmail": "night@example.com"}


class _NoPolicies:
    """Managed policies by name: the template names none."""

    def load(self) -> dict[str, str]:
        return {}


def parameters(**given: str) -> dict[str, str]:
    """The value of every parameter: what a deploy gives, else its default."""
    known = template()["Parameters"]
    defaults = {name: str(each["Default"]) for name, each in known.items() if "Default" in each}
    return {**defaults, **_REQUIRED, **given}


def transformed(
    values: Mapping[str, str], *, code: str = CODE, layer: str = LAYER
) -> dict[str, Any]:
    """The resources after the transform; `code` and `layer` are where `sam deploy` put them."""
    source = copy.deepcopy(template())
    source["Globals"]["Function"]["CodeUri"] = code
    source["Resources"]["CommonLayer"]["Properties"]["ContentUri"] = layer
    for resource in source["Resources"].values():
        resource.get("Metadata", {}).clear()
    made: dict[str, Any] = transform(source, {**_PSEUDO, **values}, _NoPolicies())
    return {"Mappings": made.get("Mappings", {}), "Resources": made["Resources"]}


def served(
    values: Mapping[str, str], *, code: str = CODE, layer: str = LAYER
) -> dict[str, tuple[str, str]]:
    """Function to the version that its alias serves: logical name and description.

    CloudFormation publishes a new one when either changes: another name is another resource, and a
    change of the description replaces it (AWS::Lambda::Version, "Update requires: Replacement").
    """
    made = transformed(values, code=code, layer=layer)
    found = {}
    for resource in made["Resources"].values():
        if resource["Type"] != "AWS::Lambda::Alias":
            continue
        properties = resource["Properties"]
        version = properties["FunctionVersion"]["Fn::GetAtt"][0]
        described = made["Resources"][version]["Properties"]["Description"]
        text = resolved(described, values, made["Mappings"])
        found[properties["FunctionName"]["Ref"]] = (version, text)
    return found


def resolved(value: Any, values: Mapping[str, str], mappings: Mapping[str, Any]) -> str:
    """The text that Ref, Sub and FindInMap come to, for parameters."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return values[name]
        case {"Fn::If": ["OnArm", str(yes), str(no)]}:
            return yes if values["Architecture"] == "arm64" else no
        case {"Fn::If": ["HasPublicUrl", yes, no]}:
            return resolved(yes if values["PublicUrl"] else no, values, mappings)
        case {"Fn::If": ["HasDomain", yes, no]}:
            return resolved(yes if values["DomainName"] else no, values, mappings)
        case {"Fn::If": ["HasTwilio", yes, no]}:
            return resolved(yes if values["TwilioAccount"] else no, values, mappings)
        case {"Fn::If": ["HasProvider", yes, no]}:
            return resolved(yes if values["OidcIssuer"] else no, values, mappings)
        case {"Fn::If": ["SendsEmail", yes, no]}:
            return resolved(yes if values["EmailFrom"] else no, values, mappings)
        case {"Fn::FindInMap": [name, first, second]}:
            found: str = mappings[name][resolved(first, values, mappings)][second]
            return found
        case {"Fn::Sub": str(text)}:
            return _substituted(text, values)
        case {"Fn::Sub": [str(text), local]}:
            own = {name: resolved(each, values, mappings) for name, each in local.items()}
            return _substituted(text, {**values, **own})
        case _:
            raise AssertionError(f"not resolved here: {json.dumps(value)}")


def _substituted(text: str, values: Mapping[str, str]) -> str:
    for name, each in values.items():
        text = text.replace(f"${{{name}}}", each)
    assert "${" not in text, text
    return text
