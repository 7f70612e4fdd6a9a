"""Which way an event of an integration goes: by its routes, or to the incident that its dedup key
has already. Pure, as far as reading goes: what is there is an argument.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import Integration, Service
from opsknight.directory.routing import Routing
from opsknight.incident.events import AT_ONCE, Opening
from opsknight.incident.model import Action, Event, Pointer
from opsknight.integrations.routes import verdict


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
