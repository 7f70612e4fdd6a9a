"""A payload, played through a preset and the routes of an integration. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opsknight.config.configuration import Configuration
from opsknight.directory.aws import RULES_ID, AwsRules
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.incident.model import Action, Actor, ActorKind
from opsknight.integrations.aws import Told
from opsknight.integrations.aws_rules import taken
from opsknight.integrations.aws_shapes import of_queue
from opsknight.integrations.drafts import Understood, understood
from opsknight.integrations.reading import Meaningless, Passed, read
from opsknight.integrations.routes import Verdict, verdict

# AWS's own events, which need neither key nor preset.
AWS: Final = "aws"


@dataclass(frozen=True, slots=True)
class Become:
    """An event, and where it goes."""

    event: Understood
    verdict: Verdict | None
    """None without routes."""
    service_id: str | None
    """The first service of the verdict that is there and not disabled."""

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.event.event.body)
        return found


type Tried = Become | Passed | Meaningless


def played(
    preset: Preset,
    body: object,
    headers: Mapping[str, str],
    integration: Integration | None,
    known: Configuration | None,
) -> list[Tried]:
    name = preset.name if integration is None else integration.name
    actor = Actor(kind=ActorKind.INTEGRATION, id="int_tried", name=name)
    tried: list[Tried] = []
    for each in read(preset, body, headers):
        match each:
            case Passed() | Meaningless():
                tried.append(each)
            case _:
                event = understood(each, "svc_tried", actor)
                tried.append(_routed(event, integration, known))
    return tried


def played_aws(document: object, known: Configuration, now: datetime) -> list[Tried]:
    """An event of AWS, through the rules of the section `aws`."""
    found = of_queue(json.dumps(document), "tried", now)
    if not isinstance(found, Told):
        return [found]
    actor = Actor(kind=ActorKind.INTEGRATION, id="aws", name="AWS")
    event = understood(found.draft, "svc_tried", actor)
    if not found.opens:
        # It follows its incident, whatever the rules say by now.
        return [Become(event, None, None)]
    rules = known.aws.get(RULES_ID, AwsRules())
    rule = taken(rules, found)
    named = rule.service_ids if rule else ()
    severity = rule.rule.severity if rule and rule.rule else None
    said = "no rule names it: it pages nobody, and is counted" if rule is None else rule.name
    if rule is not None and not named:
        said = f"{rule.name} ignores it: it pages nobody"
    there = (known.services[each] for each in named if each in known.services)
    service_id = next((each.id for each in there if not each.disabled), None)
    verdict = Verdict(said, named, severity=severity)
    return [Become(event, verdict, service_id)]


def _routed(
    event: Understood, integration: Integration | None, known: Configuration | None
) -> Become:
    if integration is None or integration.routing is None or known is None:
        return Become(event, None, None)
    if event.event.action is not Action.TRIGGER:
        # It follows its incident, whatever the routes say by now.
        return Become(event, None, None)
    found = verdict(integration.routing, integration.service_id, json.loads(event.event.body))
    there = (known.services[each] for each in found.service_ids if each in known.services)
    return Become(event, found, next((each.id for each in there if not each.disabled), None))
