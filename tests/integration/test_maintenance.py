"""A window that ends early: its incidents are due at once, and those of other windows are not."""

from datetime import datetime

from harness.shell import Shell
from harness.world import World, deadline, event
from opsknight.incident.model import Status, Timer

FILE = "users: {ada: {email: a@x.org, role: ADMIN}}\nteams: {web: {members: {ada: }}}\n"
SERVICE = "services: {checkout: {team: web}, reports: {team: web}}\n"


def due_of(world: World, incidents: dict[str, str]) -> dict[str, datetime | None]:
    found = {
        service: world.table.incident(incident_id, deadline())
        for service, incident_id in incidents.items()
    }
    return {service: incident.due_at for service, incident in found.items() if incident}


def test_stopping_maintenance_lets_out_what_it_suppressed_and_wakes_the_engine(
    world: World,
) -> None:
    shell = Shell(world)
    assert shell.opsknight("apply", "-", "--yes", stdin=FILE + SERVICE).code == 0
    for service in ("checkout", "reports"):
        said = shell.opsknight("maintenance", "start", service, "--for", "2h", "--reason", "x")
        assert said.code == 0
    found = {}
    for service in ("svc_checkout", "svc_reports"):
        sent = world.send(event(service_id=service), key=world.api_key)
        found[service] = sent.incident["id"]
        assert sent.incident["status"] == Status.SUPPRESSED
    before = due_of(world, found)
    world.clock.advance(minutes=2)
    now = world.clock()
    # From here on the function remembers the service with its window.
    world.send(event(service_id="svc_checkout"), key=world.api_key)
    said = shell.opsknight("maintenance", "stop", "checkout")
    sentences = said.out.replace("\n", " ")
    assert "1 incident that it suppressed can page now." in sentences
    freed, other = (world.table.incident(found[each], deadline()) for each in found)
    assert freed
    assert other
    # The stream of changes brings it to the engine.
    [change] = world.table.changes(freed.id, deadline())
    assert (change.what, freed.status, freed.timers[Timer.STEP]) == (
        "unsuppressed",
        Status.OPEN,
        now,
    )
    assert other.status is Status.SUPPRESSED
    assert due_of(world, found) == before | {"svc_checkout": now}
    assert before["svc_checkout"] != now
    later = world.send(event(dedup_key="new", service_id="svc_checkout"), key=world.api_key)
    assert later.incident["status"] == Status.OPEN


def test_a_window_that_kept_quiet_what_another_suppressed_lets_it_out_when_it_is_stopped(
    world: World,
) -> None:
    shell = Shell(world)
    assert shell.opsknight("apply", "-", "--yes", stdin=FILE + SERVICE).code == 0
    first = ("maintenance", "start", "checkout", "--for", "5m", "--reason", "x")
    assert shell.opsknight(*first).code == 0
    sent = world.send(event(service_id="svc_checkout"), key=world.api_key)
    assert shell.opsknight(*first[:4], "2h", *first[5:]).code == 0
    world.clock.advance(minutes=10)
    assert shell.opsknight("maintenance", "stop", "checkout").code == 0
    freed = world.table.incident(sent.incident["id"], deadline())
    assert freed
    assert freed.status is Status.OPEN
