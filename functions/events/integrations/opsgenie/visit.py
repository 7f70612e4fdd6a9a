"""One request in Opsgenie's dialect: who sends it, what it is about, and how it is answered."""

import re
import time
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from events.call import Call, Sender
from events.integrations.opsgenie import request_ids, sent, shown
from events.integrations.opsgenie.request_ids import Act, Outcome, Processed
from events.reception import Reception
from opsknight.classes import dataclass
from opsknight.directory.entries import Service, key_hash
from opsknight.http.body import InvalidJson, decoded
from opsknight.http.gateway import Answer
from opsknight.incident.event_request import LARGEST_BODY
from opsknight.incident.members import Member
from opsknight.incident.model import ACTIVE, Actor, Alert, Incident
from opsknight.integrations.drafts import shortened
from opsknight.store import items
from opsknight.store.routing import Origin, read
from opsknight.store.table import Table

_KEY: Final = re.compile(r"geniekey +([0-9a-fA-F-]{32,36})", re.IGNORECASE)
_TYPES: Final = ("id", "alias", "tiny")


class Refused(Exception):
    """Ends the request with this status."""

    def __init__(self, status: int, message: str, /, **errors: str) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


@dataclass(frozen=True, slots=True)
class Visit:
    call: Call
    reception: Reception
    sender: Sender
    identifier: str = ""
    """What the path names."""
    began: float = field(default_factory=time.perf_counter)

    @property
    def table(self) -> Table:
        return self.reception.intake.table.seen_as(Table)

    @property
    def query(self) -> Mapping[str, str]:
        return self.call.request.query

    @property
    def by(self) -> str:
        """What kind of identifier the path has. Raises Refused."""
        kind = self.query.get("identifierType", "id").strip().lower()
        if kind not in _TYPES:
            raise Refused(422, "identifierType must be one of id, alias, tiny")
        return kind

    @property
    def dedup_key(self) -> str:
        """The alias in the path, as it is stored."""
        return shortened(self.identifier.strip())

    def actor(self, body: Mapping[str, Any]) -> Actor:
        return sent.said_by(self.sender.key.actor, body.get("user"))

    def body(self) -> dict[str, Any]:
        """Raises Refused."""
        if len(self.call.request.body) > LARGEST_BODY:
            raise Refused(413, f"The request is larger than {LARGEST_BODY} bytes")
        try:
            found = decoded(self.call.request.body or b"{}")
        except InvalidJson as error:
            raise Refused(400, f"The body is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise Refused(422, "The body must be an object")
        return found

    def incident(self) -> Incident | None:
        """What the path names, of the sender's service. None where there is none: by its alias it
        is the active one. Raises Refused.
        """
        found, one = request_ids.parts(self.identifier)
        match self.by:
            case "alias":
                if (elsewhere := self._routed(self.dedup_key)) and elsewhere.status in ACTIVE:
                    return elsewhere
                where = self.sender.service.id, self.dedup_key
                pointer = self.table.pointer(*where, self.call.deadline)
                found, one = pointer.id if pointer else "", None
            case "tiny":
                found, one = request_ids.of_tiny(self.identifier) or "", None
            case _:
                pass
        return self.service_incident(found, one)

    def service_incident(self, incident_id: str, one: str | None = None) -> Incident | None:
        """None for one of another service, unless a route sent it there, or of our own making; with
        `one`, unless it has that alert of this integration.
        """
        if not request_ids.is_incident(incident_id):
            return None
        incident = self.table.incident(incident_id, self.call.deadline)
        if incident is None or incident.internal:
            return None
        if one is not None:
            return incident if self.named(incident_id, one) is not None else None
        if incident.service_id != self.sender.service.id:
            seen = self.seen(incident) if self._remembers else None
            mine = self._routed(shortened(seen.alias)) if seen else None
            return incident if mine and mine.id == incident.id else None
        return incident

    def named(self, incident_id: str, one: str) -> str | None:
        """The dedup key that has this digest, of the alerts of this integration that routes have
        put into one incident.
        """
        mine = Origin(self.sender.service.id, self.sender.key.actor.id, "").name
        pk = items.incident_key(incident_id)["pk"]
        found = self.table.under(pk, "member#", self.call.deadline)
        for member in self.table.readable(Member, found):
            key = member.key.removeprefix(mine)
            if key != member.key and request_ids.digest(key) == one:
                return key
        return None

    def alone(self, incident: Incident) -> str | None:
        """The dedup key of the alert that the path names, if a route has put it with others: they
        still fire when it is closed.
        """
        if not incident.members:
            return None
        if self.by == "alias":
            return self.dedup_key
        _, one = request_ids.parts(self.identifier)
        if one is not None:
            return self.named(incident.id, one)
        # The alert that this id shows.
        seen = self.seen(incident)
        key = shortened(seen.alias) if seen and self.made(seen.by) else None
        return None if key == incident.dedup_key else key

    @property
    def _remembers(self) -> bool:
        """Whether alerts of this integration may be with other services."""
        when = self.call.now, self.call.deadline
        directory, sender = self.reception.directory, self.sender
        found = directory.settings_of(sender.key, sender.service, *when)
        return found is not None and bool(found.routing or found.remembers)

    def _routed(self, dedup_key: str) -> Incident | None:
        """Where a route has sent what came under this key."""
        if not self._remembers:
            return None
        origin = Origin(self.sender.service.id, self.sender.key.actor.id, dedup_key)
        routed = read(self.table, origin, (), self.call.deadline).routed
        return self.table.incident(routed.incident_id, self.call.deadline) if routed else None

    def service_of(self, incident: Incident) -> Service:
        when = self.call.now, self.call.deadline
        found = self.reception.directory.any_service(incident.service_id, *when)
        return found or self.sender.service

    def own(self, incident: Incident | None) -> shown.Seen | None:
        """The alert, if this integration made it."""
        found = self.seen(incident) if incident else None
        return found if found and self.made(found.by) else None

    def made(self, by: Actor) -> bool:
        """Whether it is this integration that acted."""
        mine = self.sender.key.actor
        return (by.kind, by.id) == (mine.kind, mine.id)

    def seen(self, incident: Incident, first: Alert | None = None) -> shown.Seen | None:
        """`first` is the alert that opened it. None where it has expired."""
        deadline = self.call.deadline
        first = first or self.table.alert(incident.id, incident.first_alert_id, deadline)
        if first is None:
            return None
        changes = self.table.changes(incident.id, deadline) if incident.changes > 1 else []
        return shown.seen(incident, first, changes)

    def data(self, data: object, **more: object) -> Answer:
        took = self.took()
        return Answer(200, {"data": data, **more, "took": took, "requestId": self.call.request.id})

    def accepted(
        self,
        act: Act,
        outcome: Outcome,
        incident_id: str | None,
        headers: Mapping[str, str],
        detail: str = "",
        one: str | None = None,
    ) -> Answer:
        """`detail` says what was taken otherwise than it was sent, `one` which alert of the
        incident it is.
        """
        processed = Processed(act, outcome, self.call.now, incident_id, one)
        body: dict[str, Any] = {
            "result": "Request will be processed",
            "took": self.took(),
            "requestId": request_ids.request_id(processed),
        }
        return Answer(202, body | ({"detail": detail} if detail else {}), headers)

    def took(self) -> float:
        return round(time.perf_counter() - self.began, 3)


def sender_of(call: Call, reception: Reception) -> Sender:
    """By the integration key behind `GenieKey`, with or without the dashes of a UUID; nothing else
    counts. Raises Refused.
    """
    written = _KEY.fullmatch(call.request.headers.get("authorization", "").strip())
    if written:
        hashed = key_hash(written[1].replace("-", "").lower())
        key = reception.directory.integration_key(hashed, call.now, call.deadline)
        service = key and reception.directory.service(key.service_id, call.now, call.deadline)
        if key and service:
            return Sender(hashed, key, service)
    raise Refused(
        401, "Could not authenticate: expected `Authorization: GenieKey <an integration key>`"
    )
