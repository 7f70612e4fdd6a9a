"""Handlers that make an integration with its key, and rotate and revoke keys of integrations. A key
is shown once, in the answer that made it.
"""

import re
from datetime import timedelta
from typing import Final

from opsknight.config.configuration import Kind, id_of
from opsknight.directory.entries import IntegrationKey, Service, key_hash
from opsknight.directory.integrations import Integration
from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, HttpError, Issue
from opsknight.http.recent_login import require_recent_login
from opsknight.store.calls import Conflict
from opsknight.store.keys import Held, Keys
from opsknight.views import audited, roster_models
from opsknight.views import integration_models as models
from opsknight.views.integration_answers import key_answer
from opsknight.views.models import NotPossible
from respond.body import NoBody
from respond.contract import NewIntegration
from respond.request import ApiCall

# Long enough to replace the old key wherever it is used.
OVERLAP: Final = timedelta(days=1)
LONGEST_SLUG: Final = 60


def add_integration(call: ApiCall, wanted: NewIntegration) -> Answer:
    [service_id] = call.ids
    service = _service(service_id, call)
    slug = _slug(wanted.name)
    integration = Integration(
        id=id_of(Kind.INTEGRATION, slug),
        service_id=service.id,
        name=wanted.name,
        made_by=call.caller.user.name,
    )
    secret, key = call.new_secret(), _new_key(integration, call)
    token = call.new_id("int")
    try:
        Keys(call.table).add_integration(
            integration,
            key_hash(secret),
            key,
            token,
            call.deadline,
            audit=call.audit(audited.integration_added(integration, key)),
        )
    except Conflict:
        raise HttpError(409, NotPossible(error="Integration exists already")) from None
    return Answer(201, _shown(secret, key, call))


def add_key(call: ApiCall, _: NoBody) -> Answer:
    service_id, integration_id = call.ids
    _service(service_id, call)
    found = call.table.integration(service_id, integration_id, call.deadline)
    if found is None:
        raise HttpError(404, "Integration not found")
    secret, key = call.new_secret(), _new_key(found, call)
    entry = call.audit(audited.key_made(key))
    try:
        Keys(call.table).add(key_hash(secret), key, call.new_id("key"), call.deadline, audit=entry)
    except Conflict:
        raise HttpError(404, "Integration not found") from None
    return Answer(201, _shown(secret, key, call))


def rotate_key(call: ApiCall, _: NoBody) -> Answer:
    """The old one goes on for a day."""
    old = _held(call)
    if not isinstance(old.key, IntegrationKey):
        raise HttpError(404, "Key not found")
    fresh = {"id": call.new_id("key"), "created_at": call.now, "ends_at": None, "used_on": None}
    key = old.key.model_copy(update=fresh)
    secret, lasts = call.new_secret(), call.now + OVERLAP
    until = min(lasts, old.key.ends_at or lasts)
    entry = call.audit(audited.key_rotated(old.key, key, until))
    try:
        Keys(call.table).replace(
            old, key_hash(secret), key, until, call.new_id("rot"), call.deadline, audit=entry
        )
    except Conflict:
        raise HttpError(409, NotPossible(error="Key has ended")) from None
    return Answer(201, _shown(secret, key, call))


def revoke_key(call: ApiCall) -> Answer:
    held = _held(call)
    try:
        entry = call.audit(audited.key_revoked(held.key))
        Keys(call.table).end(held, call.now, call.deadline, audit=entry)
    except Conflict:
        raise HttpError(409, NotPossible(error="Key has ended")) from None
    return Answer(200, roster_models.Removed(status="success"))


def _shown(secret: str, key: IntegrationKey, call: ApiCall) -> models.NewKey:
    return models.NewKey(key=key_answer(key, call.now), secret=secret)


def _new_key(integration: Integration, call: ApiCall) -> IntegrationKey:
    return IntegrationKey(
        id=call.new_id("key"),
        name=integration.name,
        created_at=call.now,
        service_id=integration.service_id,
        integration_id=integration.id,
    )


def _service(service_id: str, call: ApiCall) -> Service:
    """Raises HttpError for whoever may not make keys for it."""
    require_recent_login(call.caller.session, call.now)
    if not call.caller.sees_all:
        raise HttpError(403, "Service access denied")
    service = call.table.service(service_id, call.deadline)
    if service is None:
        raise HttpError(404, "Service not found")
    return service


def _held(call: ApiCall) -> Held:
    service_id, key_id = call.ids
    _service(service_id, call)
    for each in Keys(call.table).held(call.deadline, service_id):
        if each.key.id == key_id:
            return each
    raise HttpError(404, "Key not found")


def _slug(name: str) -> str:
    """The name in the file, should it ever be there."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_SLUG].strip("-")
    if not slug:
        raise invalid(Issue(path="name", message="must have a letter or a digit (a-z, 0-9)"))
    return slug
