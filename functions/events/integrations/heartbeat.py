"""`/heartbeat/KEY`: a job or machine says that it lives. `/start`, `/fail`, `/log` and an exit code
may follow, as cron jobs know it from other services; any method will do, as tools differ.

A beat is one write. It counts against no limit of its key: the gateway's throttle is the bound.
"""

import re
from typing import Final

from events.call import Call, Sender
from events.integrations.keys import identify
from events.reception import Reception
from opsknight.directory.integrations import Integration
from opsknight.http.gateway import Answer, Failure, HttpError
from opsknight.runtime.telemetry import count
from opsknight.store.heartbeats import Heartbeats

PREFIX: Final = "/heartbeat/"
LARGEST_EXIT: Final = 255
_CODE: Final = re.compile("[0-9]{1,3}")
_NONE: Final = (
    "Give the integration of this key a `heartbeat` in the configuration: how often it beats."
)
_UNREAD: Final = "The heartbeat is that of a newer version. Send it again."
_SIGNS: Final = "The integration has a secret. Give the heartbeat an integration of its own."
_KNOWN: Final = "Known are /heartbeat/KEY, and after it /start, /fail, /log or an exit code."


def answer(call: Call, reception: Reception) -> Answer:
    """Raises HttpError, Unavailable."""
    key, _, said = call.request.path.removeprefix(PREFIX).removesuffix("/").partition("/")
    is_code = _CODE.fullmatch(said) is not None and int(said) <= LARGEST_EXIT
    if not is_code and said not in ("", "start", "fail", "log"):
        raise HttpError(404, Failure(error="Not found", message=_KNOWN))
    sender = identify(call, reception.directory, key).sender
    call.log(key_id=sender.key.id, service_id=sender.service.id, integration="heartbeat")
    noted(said, sender, call, reception)
    return Answer(200, {"status": "ok"})


def noted(said: str, sender: Sender, call: Call, reception: Reception) -> None:
    """`said` is what follows the key in the path. Raises HttpError, Unavailable."""
    directory, now, deadline = reception.directory, call.now, call.deadline
    integration = directory.settings_of(sender.key, sender.service, now, deadline)
    if integration is None or not integration.beats:
        raise HttpError(404, Failure(error="No heartbeat", message=_NONE))
    if integration.secret is not None:
        # A key alone is not enough anywhere, and beats are not signed.
        raise HttpError(401, Failure(error="Unauthorized", message=_SIGNS))
    directory.note_use(sender.hashed, sender.key, now, deadline)
    note(said, integration, call, reception)


def note(said: str, integration: Integration, call: Call, reception: Reception) -> None:
    """Raises HttpError, Unavailable."""
    beats = integration.heartbeat
    if beats is None:
        raise HttpError(503, Failure(error="Service unavailable", message=_UNREAD))
    directory, now, deadline = reception.directory, call.now, call.deadline
    rows = Heartbeats(directory.table)
    mine = integration.service_id, integration.id
    match said:
        case "" | "0":
            rows.beat(*mine, beats, now, deadline)
        case "start":
            rows.start(*mine, beats, now, deadline)
        case "fail":
            rows.fail(*mine, "it says so", now, deadline)
        case "log":
            pass
        case code:
            rows.fail(*mine, f"exit code {int(code)}", now, deadline)
    count("Beat")
    heard(call, reception)


def heard(call: Call, reception: Reception) -> None:
    """Shows the sweep that something arrives, each half minute in each process. Raises
    Unavailable.
    """
    directory = reception.directory

    def hear() -> bool:
        Heartbeats(directory.table).hear(call.now, call.deadline)
        return True

    directory.remembered("a heartbeat was heard", call.now, hear)
