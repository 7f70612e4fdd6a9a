"""Which way an event of an integration goes: by its routes, or to the incident that its dedup key
has already. Pure, as far as reading goes: what is there is an argument.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.aws import RULES_ID, AwsRules
from opsknight.directory.entries import Service
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import Routing
from opsknight.incident.events import AT_ONCE, Opening
from opsknight.incident.model import Action, Actor, ActorKind, Event, Pointer
from opsknight.integrations.aws import Told
from opsknight.integrations.aws_rules import taken
from opsknight.integrations.drafts import understood
from opsknight.integrations.routes import verdict

AWS: Final = Actor(kind=ActorKind.INTEGRATION, id="aws", name="AWS")


@dataclass(frozen=True, slots=True)
class Way:
    event: Event
    """As its service gets it."""
    opening: Opening
    sentence: str
    route: str | None
    """None where no route was asked."""
    dropped: bool = False


def way(
    integration: Integration, event: Event, known: Mapping[str, Service], active: Pointer | None
) -> Way:
    """`active` is the incident that events of this dedup key go to."""
    if active is not None:
        where = replace(event, service_id=active.service_id, dedup_key=active.dedup_key)
        said = f"It belongs to {active.id} of {slug_of(active.service_id)}: no route is asked."
        return Way(where, AT_ONCE, said, None)
    if event.action is not Action.TRIGGER:
        said = "No active incident has this dedup key, and routes are for triggers."
        return Way(event, AT_ONCE, said, None)
    found = verdict(integration.routing or Routing(), event.service_id, json.loads(event.body))
    name = found.name
    if found.drop:
        return Way(event, AT_ONCE, f"Route {name} drops it, and counts it.", name, dropped=True)
    there = (known[each] for each in found.service_ids if each in known)
    service_id = next((each.id for each in there if not each.disabled), event.service_id)
    waits = found.page_after or integration.page_after
    opening = Opening(
        suppressed=found.suppress,
        page_after=waits.time if waits else None,
        high=waits.high if waits else False,
    )
    moved = replace(
        event,
        service_id=service_id,
        dedup_key=found.dedup_key or event.dedup_key,
        severity=found.severity or event.severity,
    )
    parts = [f"Route {name} sends it to {slug_of(service_id)}"]
    if found.severity is not None:
        parts.append(f"as {found.severity}")
    if found.dedup_key is not None:
        parts.append(f"in the group {found.dedup_key}")
    problems = "".join(f" Problem: {each}." for each in found.problems)
    return Way(moved, opening, f"{', '.join(parts)}.{problems}", name)


def of_aws(told: Told, known: Configuration, active: Pointer | None) -> Way:
    """The same of an event of AWS, by the rules of the section `aws`."""
    event = understood(told.draft, "svc_aws", AWS).event
    if active is not None:
        where = replace(event, service_id=active.service_id, dedup_key=active.dedup_key)
        said = f"It belongs to {active.id} of {slug_of(active.service_id)}: no rule is asked."
        return Way(where, AT_ONCE, said, None)
    if not told.opens:
        said = "No active incident has this dedup key, and rules are for triggers."
        return Way(event, AT_ONCE, said, None, dropped=True)
    found = taken(known.aws.get(RULES_ID, AwsRules()), told)
    if found is None:
        said = "No rule of `aws` names it: it pages nobody, and is counted."
        return Way(event, AT_ONCE, said, None, dropped=True)
    there = (known.services[each] for each in found.service_ids if each in known.services)
    service_id = next((each.id for each in there if not each.disabled), None)
    if service_id is None:
        why = "ignores it" if not found.service_ids else "names a service that is disabled"
        return Way(event, AT_ONCE, f"In `aws`, {found.name} {why}.", found.name, dropped=True)
    severity = found.rule.severity if found.rule else None
    moved = replace(event, service_id=service_id, severity=severity or event.severity)
    said = f"In `aws`, {found.name} gives it to {slug_of(service_id)}"
    return Way(moved, AT_ONCE, said + (f", as {severity}." if severity else "."), found.name)
