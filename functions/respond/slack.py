"""The buttons under a message in Slack (interactive components).

Slack signs each request; everybody who sees the channel may act. The answer is a plain 200: a
message in a service's channel is updated by the notice of the change, and a page stays as it was.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError

from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Answer, Failure, Request, unavailable
from opsknight.incident.commands import Acknowledge, Command, Resolve
from opsknight.incident.decisions import NotAllowed, Transitioned
from opsknight.incident.model import NEVER, Actor, ActorKind, Incident
from opsknight.incident.text import without_lone_surrogates
from opsknight.runtime.ssm_secrets import ASKED_AGAIN, REMEMBERED, Secret, SecretsUnavailable
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.execute import perform
from opsknight.store.table import Table
from respond.confirming import confirm_address

PATH: Final = "/slack/actions"
# https://api.slack.com/authentication/verifying-requests-from-slack
FRESH: Final = timedelta(minutes=5)
# After 3 seconds Slack shows an error to the person who pressed the button.
PATIENCE_SECONDS: Final = 2.5
LARGEST_BODY: Final = 256 * 1024
LATEST_STEPS: Final = 5
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")
_DELIVERY_ID: Final = re.compile(r"[np][0-9a-f]{20}")
_INCIDENT_ID: Final = re.compile(r"inc_[0-9a-f]{28}")


class _Person(BaseModel):
    id: str
    username: str = ""
    name: str = ""


class _Press(BaseModel):
    action_id: str
    value: str = ""
    block_id: str = ""
    """Of a message of ours, its delivery."""


class _Workspace(BaseModel):
    id: str


class _Payload(BaseModel):
    type: str
    user: _Person
    team: _Workspace | None = None
    enterprise: _Workspace | None = None
    actions: list[_Press] = []


@dataclass(frozen=True, slots=True)
class Slack:
    table: Table
    directory: DirectoryCache
    secret: Secret
    new_id: Callable[[str, datetime], str]
    workspaces: frozenset[str] = frozenset()
    """Ids of the workspaces, or of organisations, whose people may act; empty for all."""

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        if request.method != "POST":
            return Answer(405, Failure(error="Method not allowed"), {"Allow": "POST"})
        try:
            if not self._is_signed(request, now):
                return Answer(401, Failure(error="Unauthorized"))
            payload = _payload(request.body)
            if payload is None:
                return Answer(400, Failure(error="Invalid request body"))
            if not self._is_ours(payload):
                return Answer(403, Failure(error="Workspace access denied"))
            for press in payload.actions:
                self._act(press, payload.user, log_fields, now, deadline.within(PATIENCE_SECONDS))
        except (Unavailable, SecretsUnavailable) as cause:
            return unavailable(log_fields, cause)
        return Answer(200, {})

    def _is_signed(self, request: Request, now: datetime) -> bool:
        # What can be no request of Slack's costs nobody a look for the secret.
        if len(request.body) > LARGEST_BODY or not is_fresh(request.headers, now):
            return False
        if not _SIGNATURE.fullmatch(request.headers.get("x-slack-signature", "")):
            return False
        # Perhaps by a secret that is newer than what we remember.
        return any(
            is_signed(request.headers, request.body, self.secret.values(now, age))
            for age in (REMEMBERED, ASKED_AGAIN)
        )

    def _is_ours(self, payload: _Payload) -> bool:
        """A channel that is shared with another workspace shows its people our buttons."""
        names = {each.id for each in (payload.team, payload.enterprise) if each is not None}
        return not self.workspaces or not names.isdisjoint(self.workspaces)

    def _act(
        self,
        press: _Press,
        person: _Person,
        log_fields: dict[str, Any],
        now: datetime,
        deadline: Deadline,
    ) -> None:
        # Other buttons, such as one that opens a page, need no answer.
        if press.action_id not in ("acknowledge", "resolve"):
            return
        known = _INCIDENT_ID.fullmatch(press.value)
        incident = self.table.incident(press.value, deadline) if known else None
        if incident is None:
            log_fields["refused"] = "unknown incident"
            return
        user = self._user(incident, person.id, now, deadline)
        if user is None:
            name = _printable(person.username or person.name or person.id)
            actor = Actor(kind=ActorKind.SLACK, id=_printable(person.id), name=name)
        else:
            actor = Actor(kind=ActorKind.USER, id=user.id, name=user.name)
        by = user.id if user else None
        command: Command = Acknowledge(by) if press.action_id == "acknowledge" else Resolve()
        service = self.directory.any_service(incident.service_id, now, deadline)
        decision = perform(
            self.table,
            incident.id,
            command,
            actor=actor,
            now=now,
            token=self.new_id("act", now),
            deadline=deadline,
            timeouts=service.timeouts if service else NEVER,
            via=press.block_id if _DELIVERY_ID.fullmatch(press.block_id) else None,
        )
        log_fields |= {"incident_id": incident.id, "actor_id": actor.id}
        if user is not None:
            confirm_address(self.table, user, (Channel.SLACK, person.id), now, deadline)
        if isinstance(decision, Transitioned):
            log_fields["result"] = decision.change.what
        elif isinstance(decision, NotAllowed):
            log_fields["refused"] = str(decision.status)

    def _user(
        self, incident: Incident, slack_id: str, now: datetime, deadline: Deadline
    ) -> User | None:
        """The user with this account in Slack: of the service's team, or paged lately."""
        service = self.directory.any_service(incident.service_id, now, deadline)
        team = None if service is None else self.table.team(service.team_id, deadline)
        ids = {member.user_id for member in team.members} if team else set[str]()
        steps = self.table.latest_steps(incident.id, LATEST_STEPS, deadline)
        ids |= {user_id for step in steps for user_id in step.user_ids}
        for user in self.table.users(ids, deadline).values():
            theirs = (m for m in user.contact_methods if m.channel is Channel.SLACK)
            if not user.disabled and any(method.to == slack_id for method in theirs):
                return user
        return None


def is_fresh(headers: Mapping[str, str], now: datetime) -> bool:
    """Whether Slack says that it sent this within the last five minutes."""
    sent = headers.get("x-slack-request-timestamp", "")
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        return False
    return abs(now.timestamp() - int(sent)) <= FRESH.total_seconds()


def is_signed(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> bool:
    sent = headers.get("x-slack-signature", "").encode("utf-8", "replace")
    signed = b"v0:" + headers.get("x-slack-request-timestamp", "").encode() + b":" + body
    expected = (hmac.digest(secret.encode(), signed, sha256).hex() for secret in secrets)
    return any(hmac.compare_digest(sent, f"v0={each}".encode()) for each in expected)


def _printable(text: str) -> str:
    return without_lone_surrogates(text)[:100]


def _payload(body: bytes) -> _Payload | None:
    try:
        [text] = parse_qs(body.decode("ascii"), strict_parsing=True).get("payload", [])
        return _Payload.model_validate(json.loads(text))
    except (ValueError, ValidationError, RecursionError):
        return None
