"""A payload, played through a preset and the routes of an integration. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsknight.config.configuration import Configuration
from opsknight.directory.entries import Integration
from opsknight.directory.presets import Preset
from opsknight.incident.model import Action, Actor, ActorKind
from opsknight.integrations.drafts import Understood, understood
from opsknight.integrations.reading import Meaningless, Passed, read
from opsknight.integrations.routes import Verdict, verdict


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
