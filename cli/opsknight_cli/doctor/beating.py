"""The check of heartbeats."""

from collections.abc import Iterable

from opsknight.health.beating import OFTEN_ENOUGH, findings
from opsknight.health.findings import Finding
from opsknight.store.calls import Deadline
from opsknight.store.heartbeats import Heartbeats
from opsknight_cli.doctor.deployed import Deployed


def heartbeats(deployed: Deployed) -> Iterable[Finding]:
    known = deployed.configuration
    wanted = [each for each in known.integrations.values() if each.heartbeat]
    where = [(each.service_id, each.id) for each in wanted]
    deadline = Deadline.after(deployed.patience)
    pulses = Heartbeats(deployed.table).pulses(where, deadline)
    minutes = int(deployed.parameters.get("CanaryMinutes", OFTEN_ENOUGH))
    yield findings(known, pulses, deployed.now, minutes)
