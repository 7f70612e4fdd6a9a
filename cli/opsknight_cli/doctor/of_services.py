"""People and services: whether there is anybody, whether each service has a policy and pages, and
whether the other systems hear of the events that they pass on.
"""

from collections.abc import Iterator

from opsknight.health import configuration_findings
from opsknight.health.findings import Finding
from opsknight.store.calls import Deadline
from opsknight.views.health import mirrors
from opsknight_cli.doctor.deployed import Deployed


def services(deployed: Deployed) -> Iterator[Finding]:
    deadline = Deadline.after(deployed.patience)
    yield from configuration_findings.people(deployed.configuration)
    yield from configuration_findings.services(deployed.configuration, deployed.now)
    yield from mirrors(deployed.table, deployed.configuration, deployed.now, deadline)
