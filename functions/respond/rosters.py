"""The HTTP API of what incidents hang on: services with their maintenance windows, schedules with
their overrides, and who is on call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.entries import MaintenanceWindow, Service
from opsknight.escalation.policy import Rota
from opsknight.http.auth import DirectoryCache
from opsknight.http.body import Issue, invalid, read
from opsknight.http.gateway import Answer, HttpError
from opsknight.oncall.schedules import Override, Schedule, on_call_at, shifts
from opsknight.store.calls import Conflict, decide_again
from opsknight.store.configurations import Configurations
from opsknight.store.operations import KEPT, Operations
from opsknight.store.table import Table
from opsknight.views import answers
from respond.contract import LARGEST_BODY, NewOverride, NewWindow
from respond.request import ApiCall, Query

AHEAD: Final = timedelta(days=7)
MOST_WINDOWS: Final = 50


@dataclass(frozen=True, slots=True)
class Rosters:
    table: Table
    directory: DirectoryCache
    new_id: Callable[[str, datetime], str]

    def services(self, asked: ApiCall) -> Answer:
        found = [
            each
            for each in Configurations(self.table).services(asked.deadline)
            if asked.caller.sees_all or each.team_id in asked.caller.user.team_ids
        ]
        return Answer(200, {"services": [answers.service(each, asked.now) for each in found]})

    def schedules(self, asked: ApiCall) -> Answer:
        told = []
        for rota in self._rotas(None, asked):
            holder = on_call_at(
                rota.schedule,
                rota.overrides,
                asked.now,
                disabled=self._absent(rota, asked),
            )
            told.append(answers.schedule(rota.schedule, holder))
        return Answer(200, {"schedules": told})

    def on_call(self, asked: ApiCall) -> Answer:
        query = Query(asked.request.query)
        at = query.time("at") or asked.now
        named = query.text("schedule")
        query.check()
        told = []
        for rota in self._rotas(named, asked):
            absent = self._absent(rota, asked)
            ahead = shifts(rota.schedule, rota.overrides, at, at + AHEAD, disabled=absent)
            holder = on_call_at(rota.schedule, rota.overrides, at, disabled=absent)
            told.append(
                {
                    "scheduleId": rota.schedule.id,
                    "name": rota.schedule.name,
                    "at": answers.time(at),
                    "userId": holder,
                    "shifts": [answers.shift(each) for each in ahead],
                }
            )
        return Answer(200, {"onCall": told})

    def overrides(self, asked: ApiCall) -> Answer:
        [schedule_id] = asked.ids
        rota = self._rota(schedule_id, asked)
        found = sorted(rota.overrides, key=lambda each: (each.start, each.id))
        told = [answers.override(each) for each in found if each.end > asked.now]
        return Answer(200, {"overrides": told})

    def add_override(self, asked: ApiCall) -> Answer:
        [schedule_id] = asked.ids
        wanted = read(NewOverride, asked.request.body, LARGEST_BODY)
        rota = self._rota(schedule_id, asked)
        issues = [
            Issue(path=path, message="must be a user who exists and is not disabled")
            for path, user_id in (("userId", wanted.user_id), ("replaces", wanted.replaces))
            if user_id is not None
            and self.directory.user(user_id, asked.now, asked.deadline) is None
        ]
        if wanted.end <= asked.now:
            issues.append(Issue(path="end", message="must not be over yet"))
        if issues:
            raise invalid(issues)
        self._may_change(rota, asked)
        override = Override(
            id=self.new_id("ovr", asked.now),
            user_id=wanted.user_id,
            replaces=wanted.replaces,
            start=wanted.start,
            end=wanted.end,
            created_at=asked.now,
        )
        try:
            Operations(self.table).add_override(
                rota.schedule.id, override, self.new_id("new", asked.now), asked.deadline
            )
        except Conflict:
            raise HttpError(404, "Schedule not found") from None
        return Answer(201, {"override": answers.override(override)})

    def remove_override(self, asked: ApiCall) -> Answer:
        schedule_id, override_id = asked.ids
        self._may_change(self._rota(schedule_id, asked), asked)
        try:
            Operations(self.table).remove_override(schedule_id, override_id, asked.deadline)
        except Conflict:
            raise HttpError(404, "Override not found") from None
        return Answer(200, {"status": "success"})

    def windows(self, asked: ApiCall) -> Answer:
        [service_id] = asked.ids
        service = self._service(service_id, asked)
        found = sorted(service.windows, key=lambda each: (each.start, each.id))
        told = [answers.window(each) for each in found if each.end > asked.now]
        return Answer(200, {"maintenance": told})

    def add_window(self, asked: ApiCall) -> Answer:
        [service_id] = asked.ids
        wanted = read(NewWindow, asked.request.body, LARGEST_BODY)
        window = MaintenanceWindow(
            id=self.new_id("mw", asked.now),
            start=wanted.start or asked.now,
            end=wanted.end,
            reason=wanted.reason,
            keep_suppressed=wanted.keep_suppressed,
        )
        if window.end <= max(window.start, asked.now):
            raise invalid([Issue(path="end", message="must be after its start, and not over yet")])

        def added(service: Service) -> list[MaintenanceWindow]:
            kept = [each for each in service.windows if each.end + KEPT > asked.now]
            if len(kept) >= MOST_WINDOWS:
                raise HttpError(409, "Too many maintenance windows", maximum=MOST_WINDOWS)
            # Refused though it was written, where its answer was lost: then it is there.
            return kept if window in kept else [*kept, window]

        self._change_windows(service_id, added, asked)
        return Answer(201, {"maintenance": answers.window(window)})

    def end_window(self, asked: ApiCall) -> Answer:
        """One that began ends now, one that did not is gone."""
        service_id, window_id = asked.ids

        def ended(service: Service) -> list[MaintenanceWindow]:
            if not any(each.id == window_id and each.end > asked.now for each in service.windows):
                raise HttpError(404, "Maintenance window not found")
            return [
                each.model_copy(update={"end": asked.now}) if each.id == window_id else each
                for each in service.windows
                if each.id != window_id or each.start < asked.now
            ]

        self._change_windows(service_id, ended, asked)
        token = self.new_id("end", asked.now)[:24]
        freed = Operations(self.table).end_suppression(
            service_id, window_id, asked.now, token, asked.deadline
        )
        return Answer(200, {"status": "success", "incidents": freed})

    def _change_windows(
        self, service_id: str, change: Callable[[Service], list[MaintenanceWindow]], asked: ApiCall
    ) -> None:

        def attempt(number: int) -> None:
            service = self._service(service_id, asked)
            try:
                windows = change(service)
            except HttpError as refusal:
                if number and refusal.answer.status == 404:
                    # What there was to end was ended by the try before, or by somebody else.
                    return
                raise
            # A conflict: somebody else changed them. Theirs are kept, ours is added to them.
            Operations(self.table).set_windows(service, windows, asked.deadline)

        decide_again(asked.deadline, attempt)

    def _service(self, service_id: str, asked: ApiCall) -> Service:
        """As it is now: what is remembered may lack somebody's window."""
        service = self.table.service(service_id, asked.deadline)
        if service is None:
            raise HttpError(404, "Service not found")
        asked.caller.require(service, "Service")
        return service

    def _may_change(self, rota: Rota, asked: ApiCall) -> None:
        """Who is on the schedule may hand over and take over; others need a role."""
        if not asked.caller.sees_all and asked.caller.user.id not in rota.user_ids:
            raise HttpError(403, "Schedule access denied")

    def _rota(self, schedule_id: str, asked: ApiCall) -> Rota:
        rota = self.table.rota(schedule_id, asked.deadline)
        if rota is None:
            raise HttpError(404, "Schedule not found")
        return rota

    def _rotas(self, named: str | None, asked: ApiCall) -> list[Rota]:
        if named is not None:
            return [self._rota(named, asked)]
        schedules: list[Schedule] = Configurations(self.table).schedules(asked.deadline)
        found = (self.table.rota(each.id, asked.deadline) for each in schedules)
        return [rota for rota in found if rota]

    def _absent(self, rota: Rota, asked: ApiCall) -> set[str]:
        """Who is on it, but not there any more."""
        users = self.table.users(rota.user_ids, asked.deadline)
        return {
            user_id for user_id in rota.user_ids if user_id not in users or users[user_id].disabled
        }
