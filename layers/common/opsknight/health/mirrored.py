"""Whether other systems take the events that services pass on to them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import Service
from opsknight.directory.passing_on import MirrorState
from opsknight.health.findings import Finding, date_and_time, failed, warning

MEND = "Mend its `mirror`: events wait for a day. `opsknight switch status` has more."


def passing_on(services: Iterable[Service]) -> list[Service]:
    return [each for each in services if each.mirror is not None and not each.disabled]


def findings(
    services: Iterable[Service],
    states: Mapping[str, MirrorState],
    now: datetime,
    zone: tzinfo = UTC,
) -> Iterator[Finding]:
    """What fails for a service in shadow is a page that nobody gets. `states`: by service;
    `zone`: by whose clock times are told."""
    for service in passing_on(services):
        state = states.get(service.id)
        if service.mirror is None or state is None or state.failing_since is None:
            continue
        said = (
            f"{service.mirror.to} has not taken events of {slug_of(service.id)} since "
            f"{date_and_time(state.failing_since, zone)}: {state.why}."
        )
        yield (failed if service.in_shadow(now) else warning)("services", said, MEND)
