"""The check of the coming week: when a policy would reach nobody."""

from collections.abc import Iterable

from opsknight.health.coming_week import findings, policies_in_use, schedules_of
from opsknight.health.findings import Finding
from opsknight.store.calls import Deadline
from opsknight_cli.doctor.deployed import Deployed


def coming_week(deployed: Deployed) -> Iterable[Finding]:
    known, deadline = deployed.configuration, Deadline.after(deployed.patience)
    policies = policies_in_use(known)
    named = schedules_of(policies)
    rotas = {each: rota for each in named if (rota := deployed.table.rota(each, deadline))}
    disabled = frozenset(each.id for each in known.users.values() if each.disabled)
    return findings(policies, rotas, disabled, deployed.now)
