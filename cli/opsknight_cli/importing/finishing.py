"""What no configuration file holds, made on a deployment: overrides and maintenance windows, and a
new key for each sender of events. What is there already is not made again.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Final

from pydantic import AwareDatetime, ValidationError

from opsknight.config.configuration import Kind, id_of
from opsknight.directory.entries import IntegrationKey, key_hash
from opsknight.directory.windows import MaintenanceWindow
from opsknight.oncall.schedules import Override
from opsknight.store.calls import Conflict
from opsknight.store.keys import Keys
from opsknight.store.operations import KEPT, Operations
from opsknight.views import audited
from opsknight_cli.importing.folder import AFTERWARDS
from opsknight_cli.importing.wire import Wire
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation

KEYS: Final = "keys.md"
_IGNORED: Final = ".gitignore"
_HEAD: Final = """\
# New keys: put each where the old one is, then delete this file

| Here | There | Key | Change at the sender |
|---|---|---|---|
"""
# In its own column: the name before it is somebody else's words, and may look like a key.
_SECRET: Final = re.compile(r"\|[^|]*\|[^|]*\| `([0-9a-f]{32})` \|.*")


class PlannedOverride(Wire):
    schedule: str
    user: str
    replaces: str | None = None
    start: AwareDatetime
    end: AwareDatetime


class Window(Wire):
    services: tuple[str, ...]
    start: AwareDatetime
    end: AwareDatetime
    reason: str


class NewKey(Wire):
    service: str
    integration: str
    was: str
    where: str


class Afterwards(Wire):
    overrides: tuple[PlannedOverride, ...] = ()
    windows: tuple[Window, ...] = ()
    keys: tuple[NewKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    overrides: int
    windows: int
    keys: Sequence[NewKey]
    missing: Sequence[str]
    """What could not be made, because what it belongs to is not in the deployment."""


def read(folder: str) -> Afterwards:
    """Raises CommandError."""
    file = Path(folder) / AFTERWARDS
    try:
        return Afterwards.model_validate_json(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except ValidationError:
        raise CommandError(f"{file} is not as `import` wrote it: import again.") from None


def finish(invocation: Invocation, planned: Afterwards, folder: str) -> Finished:
    missing: list[str] = []
    now = invocation.session.now()
    return Finished(
        overrides=sum(
            _override(invocation, each, now, missing)
            for each in planned.overrides
            if each.end > now
        ),
        windows=sum(
            _window(invocation, service, each, now, missing)
            for each in planned.windows
            if each.end > now
            for service in each.services
        ),
        keys=_keys(invocation, planned.keys, Path(folder), now, missing),
        missing=tuple(dict.fromkeys(missing)),
    )


def _override(
    invocation: Invocation, wanted: PlannedOverride, now: datetime, missing: list[str]
) -> bool:
    table, session = invocation.deployment.table, invocation.session
    schedule_id = id_of(Kind.SCHEDULE, wanted.schedule)
    user_id = id_of(Kind.USER, wanted.user)
    rota = table.rota(schedule_id, session.deadline())
    if rota is None or table.user(user_id, session.deadline()) is None:
        missing.append(f"the override of {wanted.schedule} by {wanted.user}")
        return False
    replaces = wanted.replaces and id_of(Kind.USER, wanted.replaces)
    same = (user_id, replaces, wanted.start, wanted.end)
    if any((it.user_id, it.replaces, it.start, it.end) == same for it in rota.overrides):
        return False
    override = Override(
        id=session.id("ovr"),
        user_id=user_id,
        replaces=replaces,
        start=wanted.start,
        end=wanted.end,
        created_at=now,
    )
    operations = Operations(table)
    names = table.users({user_id, *filter(None, [replaces])}, session.deadline())
    added = audited.override_added(
        rota.schedule, override, lambda it: names[it].name if it in names else None
    )
    operations.add_override(
        schedule_id,
        override,
        session.token(),
        session.deadline(),
        audit=entry(invocation, added),
    )
    return True


def _window(
    invocation: Invocation, name: str, wanted: Window, now: datetime, missing: list[str]
) -> bool:
    table, session = invocation.deployment.table, invocation.session
    service = table.service(id_of(Kind.SERVICE, name), session.deadline())
    if service is None:
        missing.append(f"the maintenance of {name}")
        return False
    same = (wanted.start, wanted.end, wanted.reason)
    if any((it.start, it.end, it.reason) == same for it in service.windows):
        return False
    window = MaintenanceWindow(
        id=session.id("mw"), start=wanted.start, end=wanted.end, reason=wanted.reason
    )
    kept = [other for other in service.windows if other.next(now - KEPT)]
    try:
        Operations(table).set_windows(
            service,
            [*kept, window],
            session.deadline(),
            audit=entry(invocation, audited.maintenance_planned(window, service)),
            token=session.token(),
        )
    except Conflict:
        raise CommandError(
            f"Somebody else has just changed the maintenance of {name}: run the command again."
        ) from None
    return True


def _keys(
    invocation: Invocation,
    wanted: Iterable[NewKey],
    folder: Path,
    now: datetime,
    missing: list[str],
) -> list[NewKey]:
    keys, session = Keys(invocation.deployment.table), invocation.session
    live = {
        (each.key.service_id, each.key.integration_id)
        for each in keys.held(session.deadline())
        if isinstance(each.key, IntegrationKey) and each.key.live_at(now)
    }
    file = folder / KEYS
    made = []
    for each in wanted:
        place = (id_of(Kind.SERVICE, each.service), id_of(Kind.INTEGRATION, each.integration))
        if place in live:
            continue
        # A key that stands in no file is lost. One that stands there and is not made yet, because
        # an earlier run was interrupted in between, is made now.
        secret = _secret(file, each) or _written(file, each, token_hex(16), invocation)
        key = IntegrationKey(
            id=session.id("key"),
            name=each.was[:200],
            created_at=now,
            service_id=place[0],
            integration_id=place[1],
        )
        try:
            keys.add(
                key_hash(secret),
                key,
                session.token(),
                session.deadline(),
                audit=entry(invocation, audited.key_made(key)),
            )
        except Conflict:
            missing.append(f"the key of {each.service} / {each.integration}")
            continue
        made.append(each)
    return made


def _secret(file: Path, wanted: NewKey) -> str | None:
    """The one that the file has for it."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else ()
    place = f"| {wanted.service} / {wanted.integration} |"
    found = [_SECRET.fullmatch(line) for line in lines if line.startswith(place)]
    return found[-1][1] if found and found[-1] else None


def _written(file: Path, wanted: NewKey, secret: str, invocation: Invocation) -> str:
    """The secret, once it is in the file, which only its owner can read and git ignores."""
    where = wanted.where.replace("{url}", invocation.deployment.url.rstrip("/"))
    was = wanted.was.replace("|", " ")
    row = f"| {wanted.service} / {wanted.integration} | {was} | `{secret}` | {where} |\n"
    ignored = file.with_name(_IGNORED)
    try:
        known = ignored.read_text(encoding="utf-8") if ignored.exists() else ""
        if KEYS not in known.splitlines():
            ended = known + ("\n" if known and not known.endswith("\n") else "")
            ignored.write_text(f"{ended}{KEYS}\n", encoding="utf-8")
        opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(opened, "a", encoding="utf-8") as out:
            out.write(row if out.tell() else _HEAD + row)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
    return secret
