"""What each function's role in `template.yaml` allows, evaluated as IAM does.

Only what the template uses: statements that allow, wildcards, conditions on the leading keys and
attributes of DynamoDB, and conditions on how a call is made, which are taken as met. A form of
condition that is not read here is an error, not a permission.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from harness.dynamodb import template

# What an operator may switch on is judged as switched on; tracing has a test of its own.
_OFF: Final = frozenset({"Traced", "HasInbox"})
# How a call is made, which no test can see: a sender's address, a service in between, a region.
_TAKEN_AS_MET: Final = frozenset({"ses:FromAddress", "kms:ViaService", "aws:RequestedRegion"})
_NAMES: Final = {
    "${Table.Arn}": "Table",
    "${StatusPages.Arn}": "StatusPages",
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:": "",
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:": "",
    "arn:${AWS::Partition}:sms-voice:${AWS::Region}:${AWS::AccountId}:": "",
    "${AWS::StackName}": "stack",
    "${SlackSigningSecretName}": "/opsknight/slack-signing-secret",
    "${TwilioTokenName}": "/opsknight/twilio-auth-token",
    "${OidcSecretName}": "/opsknight/oidc-secret",
    "${SharedSecretsPrefix}": "/opsknight-shared/",
    "${EmailConfigurationSet}": "opsknight",
    "${EmailFrom}": "OpsKnight <oncall@example.com>",
}


@dataclass(frozen=True)
class Statement:
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    """Logical names: `Table`, `Table/index/due`, `parameter/opsknight/stack/secrets/*`."""
    only: tuple[str, ...] | None
    """Patterns of the partition keys that it is about; None where it does not say."""
    never: tuple[str, ...] = ()
    """Patterns of the partition keys that it is not about."""
    needs_key: bool = False
    """Whether a call that names no partition is none of its."""
    attributes: frozenset[str] | None = None
    """The attributes that it is about, keys and those of conditions with them; None for all."""

    def is_about(self, action: str, resource: str) -> bool:
        return action in self.actions and _like_any(resource, self.resources)

    def covers(self, keys: Collection[str], attributes: Collection[str]) -> bool:
        return (
            (bool(keys) or not self.needs_key)
            and (self.only is None or all(_like_any(key, self.only) for key in keys))
            and not any(_like_any(key, self.never) for key in keys)
            and (self.attributes is None or self.attributes.issuperset(attributes))
        )


def _like_any(text: str, patterns: tuple[str, ...]) -> bool:
    return _pattern(patterns).fullmatch(text) is not None


@cache
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # By hand: `fnmatch` reads brackets, and IAM does not. In IAM, too, a * crosses slashes.
    wild = {"*": ".*", "?": "."}
    written = ("".join(wild.get(each, re.escape(each)) for each in it) for it in patterns)
    # Of no patterns, one that nothing matches.
    return re.compile("|".join(written) or "(?!)", re.DOTALL)


def allows(
    function: str,
    action: str,
    resource: str,
    keys: Collection[str] = (),
    attributes: Collection[str] = (),
) -> bool:
    """`keys` are the partitions and `attributes` the attributes that the call names. Of a
    transaction all of them, for each of its actions: what passes together passes one by one.
    """
    return any(each.covers(keys, attributes) for each in _about(function, action, resource))


@cache
def _about(function: str, action: str, resource: str) -> tuple[Statement, ...]:
    return tuple(each for each in statements(function) if each.is_about(action, resource))


@cache
def statements(function: str) -> tuple[Statement, ...]:
    resources = template()["Resources"]
    role = resources[resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    return tuple(
        statement(each)
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


def statement(written: dict[str, Any]) -> Statement:
    """Raises AssertionError for what is not read here."""
    assert written["Effect"] == "Allow", written
    only, never, needs_key, attributes = None, (), False, None
    for form, about in written.get("Condition", {}).items():
        match form, about:
            case "ForAllValues:StringEquals", {"dynamodb:Attributes": names, **rest} if not rest:
                attributes = frozenset(names)
            case "ForAllValues:StringLike", {"dynamodb:LeadingKeys": keys, **rest} if not rest:
                only = tuple(keys)
            case "ForAllValues:StringNotLike", {"dynamodb:LeadingKeys": keys, **rest} if not rest:
                never = tuple(keys)
            case "Null", {"dynamodb:LeadingKeys": "false", **rest} if not rest:
                needs_key = True
            case "StringEquals" | "StringLike", {**names} if names.keys() <= _TAKEN_AS_MET:
                pass
            case _:
                raise AssertionError(f"a condition that is not read here: {form} {about}")
    return Statement(
        tuple(_list(written["Action"])),
        tuple(name_of(each) for it in _list(written["Resource"]) for each in _chosen(it)),
        only,
        never,
        needs_key,
        attributes,
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
