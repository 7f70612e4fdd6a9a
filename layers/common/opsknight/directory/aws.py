"""What the configuration says of AWS's own events: which of them belong to which service. There is
one list for the whole deployment; `opsknight.integrations.aws_rules` asks it.
"""

from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, Field

from opsknight.incident.model import Model, Severity

RULES_ID: Final = "aws_rules"


class Source(StrEnum):
    """Which of AWS's services an event comes from."""

    CLOUDWATCH = "cloudwatch"
    HEALTH = "health"
    GUARDDUTY = "guardduty"
    BACKUP = "backup"
    ECS = "ecs"
    BATCH = "batch"
    STEP_FUNCTIONS = "step-functions"
    SNS = "sns"
    """A message of a topic that is none of the above."""


class AwsRule(Model):
    """All that it names must be so. A pattern may have `*` for any characters."""

    name: str | None = None
    """A pattern of the name: of an alarm, a job, a state machine, a topic, ..."""
    sources: tuple[Source, ...] = ()
    """None for any."""
    account: str | None = None
    region: str | None = None
    tags: dict[str, str] = Field(default_factory=dict[str, str])
    """Patterns of the values of tags that the event carries."""
    service_id: str | None = None
    """None for what is known and pages nobody."""
    severity: Severity | None = None
    """Instead of the event's own."""


class AwsRules(Model):
    id: str = RULES_ID
    rules: tuple[AwsRule, ...] = ()
    """The first one that matches counts."""
    default_service_id: str | None = None
    """Of events that no rule matches; None for nobody's."""
    unread: bool = Field(default=False, exclude=True)
    """Whether there are further rules, which only a newer version understands. Never stored."""

    @property
    def name(self) -> str:
        """That of its section, as there is one alone."""
        return "aws"


class Unmatched(Model):
    """What came in and no rule names: it pages nobody."""

    source: Source
    name: str
    account: str
    region: str
    count: int
    """How many triggers."""
    first_at: AwareDatetime
    last_at: AwareDatetime
