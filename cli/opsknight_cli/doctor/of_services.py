"""The services: whether each has a policy and pages, and whether the other systems hear of the
events that they pass on.
"""

from collections.abc import Iterator

from opsknight.config.configuration import slug_of
from opsknight.health import configuration_findings
from opsknight.health.findings import Finding, failed, warning
from opsknight.store.calls import Deadline
from opsknight.store.mirrors import Mirrors
from opsknight_cli.doctor.deployed import Deployed


def services(deployed: Deployed) -> Iterator[Finding]:
    yield from configuration_findings.services(deployed.configuration, deployed.now)
    yield from mirrors(deployed)


def mirrors(deployed: Deployed) -> Iterator[Finding]:
    """What fails for a service in shadow is a page that nobody gets."""
    deadline = Deadline.after(deployed.patience)
    for service in deployed.configuration.services.values():
        if service.mirror is None or service.disabled:
            continue
        state = Mirrors(deployed.table).state(service.id, deadline)
        if state is None or state.failing_since is None:
            continue
        said = (
            f"{service.mirror.to} has not taken events of {slug_of(service.id)} since "
            f"{state.failing_since:%Y-%m-%d %H:%M} UTC: {state.why}."
        )
        mend = "Mend its `mirror`: events wait for a day. `opsknight switch status` has more."
        shadowed = service.in_shadow(deployed.now)
        yield (failed if shadowed else warning)("services", said, mend)
