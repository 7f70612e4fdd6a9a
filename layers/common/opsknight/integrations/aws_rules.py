"""Which rule of the configuration takes an event of AWS, and the rule that would take one that none
does. Pure.
"""

import re
from functools import lru_cache
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.aws import AwsRule, AwsRules
from opsknight.integrations.aws import Told

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Taken:
    """By which rule, and what it says."""

    name: str
    """`rule 3`, or `default`."""
    service_ids: tuple[str, ...]
    """Where it goes: the first of these that is there and not disabled. Empty for nowhere."""
    rule: AwsRule | None = None


def taken(rules: AwsRules, told: Told) -> Taken | None:
    """None for what nobody has asked for."""
    default = (rules.default_service_id,) if rules.default_service_id else ()
    for number, rule in enumerate(rules.rules, 1):
        if matches(rule, told):
            mine = () if rule.service_id is None else (rule.service_id, *default)
            return Taken(f"rule {number}", mine, rule)
    return Taken(DEFAULT, default) if default else None


def matches(rule: AwsRule, told: Told) -> bool:
    return (
        (rule.name is None or is_like(told.name, rule.name))
        and (not rule.sources or told.source in rule.sources)
        and rule.account in (None, told.account)
        and rule.region in (None, told.region)
        and all(
            name in told.tags and is_like(told.tags[name], pattern)
            for name, pattern in rule.tags.items()
        )
    )


def is_like(text: str, pattern: str) -> bool:
    """Whether the whole text fits a pattern with `*`, in any case."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Atomic: a pattern with many stars never goes back over what it has passed.
    *before, last = [re.escape(each) for each in re.split(r"\*+", pattern)]
    if not before:
        return re.compile(last, re.IGNORECASE | re.DOTALL)
    first, *middle = before
    lazy = "".join(f"(?>.*?{each})" for each in middle)
    return re.compile(f"{first}{lazy}.*{last}", re.IGNORECASE | re.DOTALL)
