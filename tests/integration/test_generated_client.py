"""A client that openapi-python-client makes from our description: it is named `opsknight`, all of
it imports, and it reads what the handlers answer, errors too.
"""

from pathlib import Path

from harness.desk import Desk
from harness.examples import served
from harness.generated_client import generated, run
from harness.world import World, event
from opsknight.directory.entries import INCIDENTS_READ, SCOPES
from opsknight.http.gateway import respond
from respond.handler import fault

PROGRAM = """
import importlib, json, pkgutil, sys
import opsknight
modules = [each.name for each in pkgutil.walk_packages(opsknight.__path__, "opsknight.")]
for name in modules:
    importlib.import_module(name)

from opsknight import AuthenticatedClient
from opsknight.api.incidents import acknowledge_incident, list_incidents, show_incident
from opsknight.api.users import show_me
from opsknight.models import Failure

address, key, reader = sys.argv[1:]
told = {"modules": len(modules)}
with AuthenticatedClient(address, key) as client:
    [listed] = list_incidents.sync(client=client).incidents
    told["listed"] = [listed.title, listed.status.value, listed.created_at.isoformat()]
    acted = acknowledge_incident.sync(listed.id, client=client)
    told["acted"] = acted.result.incident.status.value
    shown = show_incident.sync(listed.id, client=client).incident
    told["timeline"] = [each.what for each in shown.timeline]
    told["me"] = show_me.sync(client=client).me.name
    gone = show_incident.sync_detailed("inc_gone", client=client)
    told["gone"] = [gone.status_code.value, isinstance(gone.parsed, Failure), gone.parsed.code]
with AuthenticatedClient(address, reader) as client:
    refused = acknowledge_incident.sync(listed.id, client=client)
    told["refused"] = [isinstance(refused, Failure), refused.error]
with AuthenticatedClient(address, "wrong") as client:
    told["stranger"] = list_incidents.sync(client=client).code
print(json.dumps(told))
"""


def test_a_generated_client_reads_every_answer(world: World, tmp_path: Path) -> None:
    desk = Desk(world)
    keys = desk.key("ada", *SCOPES), desk.key("ada", INCIDENTS_READ)
    world.send(event())
    generated(tmp_path)
    with served(lambda sent: respond(sent, lambda: desk.function, fault)) as api:
        told = run(PROGRAM, tmp_path, api.url, *keys)
    assert told.pop("modules") > 100
    assert told == {
        "listed": ["CPU above 90% on web-01", "OPEN", "2026-11-23T03:00:00+00:00"],
        "acted": "ACKNOWLEDGED",
        "timeline": ["opened", "acknowledged"],
        "me": "Ada",
        "gone": [404, True, "incident-not-found"],
        "refused": [True, "API key missing scope"],
        "stranger": "unauthorized",
    }
