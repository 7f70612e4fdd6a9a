"""Calendars of who is on call, for whoever has the address of one. Who may know the addresses is
in `calendar_addresses`.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.config.configuration import Kind
from opsknight.directory.entries import User
from opsknight.http.gateway import Answer, HttpError, Request, unavailable
from opsknight.notification import calendar_link
from opsknight.notification.signed_link import BadLink
from opsknight.oncall.calendar import calendar
from opsknight.oncall.turns import Turn, turns
from opsknight.runtime.ssm_secrets import LinkKeys, SecretsUnavailable
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.configurations import Configurations
from opsknight.store.rosters import Rosters
from opsknight.store.table import Table

BEFORE: Final = timedelta(days=14)
AHEAD: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Calendars:
    table: Table
    keys: LinkKeys

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        try:
            return self._calendar(request, log_fields, now, deadline)
        except BadLink:
            return HttpError(404, "Calendar not found").answer
        except HttpError as error:
            return error.answer
        except (Unavailable, SecretsUnavailable) as cause:
            return unavailable(log_fields, cause)

    def _calendar(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        if request.method not in ("GET", "HEAD"):
            raise HttpError(405, "Method not allowed", Allow="GET, HEAD")
        link = calendar_link.of_path(request.path, self.keys.accepted(now))
        # Before the epoch, which the transaction that makes a user anew moves on.
        owner = self._owner(link.owner_id, deadline)
        if link.epoch != Rosters(self.table).calendar_epoch(link.owner_id, deadline):
            raise BadLink
        log_fields["calendar"] = link.owner_id
        body = self._body(owner, now, deadline)
        tag = f'"{sha256(body.encode()).hexdigest()[:32]}"'
        headers = {
            "Content-Type": "text/calendar; charset=utf-8",
            "Cache-Control": "private, max-age=900",
            "ETag": tag,
        }
        if tag in request.headers.get("if-none-match", ""):
            return Answer(304, "", headers)
        return Answer(200, "" if request.method == "HEAD" else body, headers)

    def _owner(self, owner_id: str, deadline: Deadline) -> User | str:
        """The user, or the schedule's id. Raises BadLink when the user is gone."""
        if owner_id.startswith("sch_"):
            return owner_id
        user = self.table.user(owner_id, deadline)
        if user is None or user.disabled:
            raise BadLink
        return user

    def _body(self, owner: User | str, now: datetime, deadline: Deadline) -> str:
        """Raises BadLink when the schedule is gone."""
        # By the day, so that the same turns are the same text for a day.
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if isinstance(owner, str):
            found = self._turns(owner, today, deadline)
            if found is None:
                raise BadLink
            name, held, names = found
            events = [(turn, f"{names.get(turn.user_id, turn.user_id)}: {name}") for turn in held]
            return calendar(name, events)
        mine: list[tuple[Turn, str]] = []
        for schedule_id in sorted(Configurations(self.table).ids(Kind.SCHEDULE, deadline)):
            found = self._turns(schedule_id, today, deadline)
            if found is not None:
                name, held, _ = found
                mine += [(turn, f"On call: {name}") for turn in held if turn.user_id == owner.id]
        return calendar(f"{owner.name} on call", sorted(mine))

    def _turns(
        self, schedule_id: str, today: datetime, deadline: Deadline
    ) -> tuple[str, list[Turn], dict[str, str]] | None:
        rota = self.table.rota(schedule_id, deadline)
        if rota is None:
            return None
        users = self.table.users(rota.user_ids, deadline)
        absent = {each for each in rota.user_ids if each not in users or users[each].disabled}
        held = turns(rota.schedule, rota.overrides, today - BEFORE, today + AHEAD, disabled=absent)
        return rota.schedule.name, held, {user.id: user.name for user in users.values()}
