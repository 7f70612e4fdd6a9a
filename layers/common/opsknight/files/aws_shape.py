"""The shape of the section `aws` of a configuration file: which of AWS's own events page whom."""

import json
import re
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.aws import AwsRule, AwsRules, Source, Unmatched
from opsknight.files.values import Flag, Shape, Slug
from opsknight.incident.model import Severity

MOST_RULES: Final = 500
_ACCOUNT: Final = re.compile(r"\d{12}")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z0-9]+)+-\d+")


def _account(value: object) -> object:
    if isinstance(value, int):
        # Some begin with zeros, which a number has lost.
        raise ValueError(f'an account must stand in quotes: write "{value:012}"')
    if isinstance(value, str) and not _ACCOUNT.fullmatch(value):
        raise ValueError("an account has 12 digits")
    return value


def _region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise ValueError("a region looks like eu-central-1")
    return value


def _several(value: object) -> object:
    """`source: health` is a list of one."""
    return [value] if isinstance(value, str) else value


Pattern = Annotated[str, Field(min_length=1, max_length=255)]
TagName = Annotated[str, Field(min_length=1, max_length=128)]


class AwsRuleShape(Shape):
    name: Pattern | None = Field(
        None,
        description="The name of the alarm, job, state machine, ECS service or topic; `*` stands "
        "for any characters.",
    )
    source: Annotated[tuple[Source, ...], BeforeValidator(_several)] = Field(
        (), description="Which of AWS's services it comes from, or a list; by default any."
    )
    account: Annotated[str, BeforeValidator(_account)] | None = Field(
        None, description="The account, 12 digits in quotes."
    )
    region: Annotated[str, AfterValidator(_region)] | None = Field(
        None, description="The region, such as eu-central-1."
    )
    tags: dict[TagName, Pattern] = Field(
        {}, description="Tags that the event carries, with patterns of their values."
    )
    service: Slug | None = Field(None, description="The service that gets the event.")
    severity: Severity | None = Field(None, description="Instead of the event's own severity.")
    ignore: Flag = Field(
        False, description="It is known and pages nobody: it is not listed as left out."
    )

    @model_validator(mode="after")
    def _says_what_of_whom(self) -> Self:
        asked = (self.name, self.source, self.account, self.region, self.tags)
        if not any(asked):
            raise ValueError(
                "names nothing: give it a `name`, `source`, `account`, `region` or `tags`; "
                "`default` beside `rules` is for all the rest"
            )
        if self.ignore and (self.service is not None or self.severity is not None):
            raise ValueError("a rule with `ignore` has neither `service` nor `severity`")
        if not self.ignore and self.service is None:
            raise ValueError("needs a `service`, or `ignore: true`")
        return self


class AwsShape(Shape):
    rules: Annotated[tuple[AwsRuleShape, ...], Field(max_length=MOST_RULES)] = Field(
        (), description="Which events page whom: the first rule that matches counts."
    )
    default: Slug | None = Field(
        None, description="The service of all other events; without it they page nobody."
    )


def aws_rules(shape: AwsShape) -> AwsRules:
    return AwsRules(
        rules=tuple(
            AwsRule(
                name=each.name,
                sources=each.source,
                account=each.account,
                region=each.region,
                tags=each.tags,
                service_id=_service_id(each.service),
                severity=each.severity,
            )
            for each in shape.rules
        ),
        default_service_id=_service_id(shape.default),
    )


def _service_id(slug: str | None) -> str | None:
    return None if slug is None else id_of(Kind.SERVICE, slug)


def described_rules(entry: AwsRules) -> dict[str, Any]:
    """As the file has it."""
    default = entry.default_service_id
    found = {
        "rules": [described_rule(each) for each in entry.rules] or None,
        "default": default and slug_of(default),
    }
    return {name: value for name, value in found.items() if value is not None}


def rule_for(each: Unmatched) -> str:
    """The line of the file that would take what no rule names; the service is for people to say."""
    name = json.dumps(each.name, ensure_ascii=False)
    return f"{{name: {name}, source: {each.source.value}, service: SERVICE}}"


def described_rule(rule: AwsRule) -> dict[str, Any]:
    sources = [each.value for each in rule.sources]
    found = {
        "name": rule.name,
        "source": sources[0] if len(sources) == 1 else sources or None,
        "account": rule.account,
        "region": rule.region,
        "tags": dict(rule.tags) or None,
        "service": rule.service_id and slug_of(rule.service_id),
        "severity": rule.severity and rule.severity.value,
        "ignore": None if rule.service_id else True,
    }
    return {name: value for name, value in found.items() if value is not None}
