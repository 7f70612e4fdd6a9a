"""Fills the answers about one service in full. Their shapes are in `integration_models`."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime

from opsknight.directory.entries import IntegrationKey, Service
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import ServiceReceiver
from opsknight.notification.throttle import ReceiverState
from opsknight.views import integration_models as models
from opsknight.views import roster_answers
from opsknight.views.names import Names


def key_answer(key: IntegrationKey, now: datetime) -> models.KeyAnswer:
    return models.KeyAnswer(
        id=key.id,
        created_at=key.created_at,
        used_on=key.used_on,
        ends_at=key.ends_at,
        live=key.live_at(now),
    )


def service_details(
    service: Service,
    names: Names,
    now: datetime,
    *,
    integrations: Iterable[Integration],
    keys: Iterable[IntegrationKey],
    receivers: Iterable[ServiceReceiver],
    states: Mapping[str, ReceiverState],
) -> models.ServiceDetails:
    """`states` are by the receiver's id."""
    brief = roster_answers.service(service, names, now)
    known = {each.name: getattr(brief, each.name) for each in fields(brief)}
    of_keys = sorted(keys, key=lambda each: (each.created_at, each.id))
    return models.ServiceDetails(
        **known,
        integrations=[
            models.IntegrationAnswer(
                id=each.id,
                name=each.name,
                made_by=each.made_by,
                keys=[key_answer(key, now) for key in of_keys if key.integration_id == each.id],
            )
            for each in sorted(integrations, key=lambda each: (each.name, each.id))
        ],
        receivers=[
            _receiver(each, states.get(each.id) or ReceiverState())
            for each in sorted(receivers, key=lambda each: (each.name, each.id))
        ],
    )


def _receiver(each: ServiceReceiver, state: ReceiverState) -> models.ReceiverAnswer:
    return models.ReceiverAnswer(
        id=each.id,
        name=each.name,
        channel=each.channel,
        events=each.events,
        failing_since=state.failing_since,
        failures=state.failures,
        closed_until=state.circuit_open_until,
    )
