"""What each function's role in `template.yaml` allows, evaluated as IAM does.

Only what the template uses: statements that allow, wildcards, the leading keys of DynamoDB, and
conditions on how a call is made, which are taken as met.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

from harness.dynamodb import template

# What an operator may switch on is judged as switched on; tracing has a test of its own.
_OFF: Final = frozenset({"Traced", "HasInbox"})
_NAMES: Final = {
    "${Table.Arn}": "Table",
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:": "",
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:": "",
    "arn:${AWS::Partition}:sms-voice:${AWS::Region}:${AWS::AccountId}:": "",
    "${AWS::StackName}": "stack",
    "${SlackSigningSecretName}": "/opsknight/slack-signing-secret",
    "${TwilioTokenName}": "/opsknight/twilio-auth-token",
    "${SharedSecretsPrefix}": "/opsknight-shared/",
    "${EmailConfigurationSet}": "opsknight",
    "${EmailFrom}": "OpsKnight <oncall@example.com>",
}


@dataclass(frozen=True)
class Statement:
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    """Logical names: `Table`, `Table/index/due`, `parameter/opsknight/stack/secrets/*`."""
    keys: tuple[str, ...] | None
    """Patterns of partition keys; None where the statement does not look at them."""

    def allows(self, action: str, resource: str, keys: Collection[str]) -> bool:
        return (
            action in self.actions
            and any(fnmatchcase(resource, each) for each in self.resources)
            and (self.keys is None or all(_like_any(key, self.keys) for key in keys))
        )


def _like_any(key: str, patterns: Collection[str]) -> bool:
    # By hand: `fnmatch` reads brackets, and StringLike does not.
    return any(
        key == each or (each.endswith("*") and key.startswith(each[:-1])) for each in patterns
    )


def allows(function: str, action: str, resource: str, keys: Collection[str] = ()) -> bool:
    """Each action on each item of a transaction or a batch is judged by itself."""
    return any(each.allows(action, resource, keys) for each in statements(function))


@cache
def statements(function: str) -> tuple[Statement, ...]:
    resources = template()["Resources"]
    role = resources[resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    return tuple(
        _statement(each)
        for policy in role["Policies"]
        for written in policy["PolicyDocument"]["Statement"]
        for each in _chosen(written)
    )


def _chosen(value: Any) -> Iterator[Any]:
    match value:
        case {"Fn::If": [str(condition), yes, no]}:
            yield from _chosen(no if condition in _OFF else yes)
        case {"Ref": "AWS::NoValue"}:
            return
        case _:
            yield value


def _statement(written: dict[str, Any]) -> Statement:
    assert written["Effect"] == "Allow", written
    leading = written.get("Condition", {}).get("ForAllValues:StringLike", {})
    keys = leading.get("dynamodb:LeadingKeys")
    return Statement(
        tuple(_list(written["Action"])),
        tuple(name_of(each) for it in _list(written["Resource"]) for each in _chosen(it)),
        None if keys is None else tuple(keys),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def name_of(reference: Any) -> str:
    match reference:
        case str():
            return reference
        case {"Ref": str(name)}:
            return name
        case {"Fn::Sub": str(text)}:
            for written, name in _NAMES.items():
                text = text.replace(written, name)
            return text
        case {"Fn::GetAtt": [str(resource), "Arn"]}:
            return resource
        case {"Fn::GetAtt": [str(resource), str(attribute)]}:
            return f"{resource}.{attribute}"
        case _:
            raise AssertionError(f"not read here: {reference}")
