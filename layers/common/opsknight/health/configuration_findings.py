"""Turns the configuration, and the incidents and receivers in the table, into findings. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from opsknight.config import mailboxes
from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.entries import Service
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.health.findings import Finding, date_and_time, named, ok, warning
from opsknight.health.shadows import in_shadow, sentence
from opsknight.incident.model import Urgency
from opsknight.notification.recipients import methods
from opsknight.notification.throttle import ReceiverState

# This many keys that differ only in a time or an id are no coincidence.
ALIKE: Final = 3
CONFIRMED_FOR: Final = timedelta(days=90)


def used(configuration: Configuration) -> set[Channel]:
    """The channels that somebody is reached by."""
    found = {
        method.channel
        for user in configuration.users.values()
        if not user.disabled
        for method in methods(user)
    }
    return found | {each.channel for each in configuration.receivers.values()}


def people(configuration: Configuration) -> list[Finding]:
    """Nothing is said where everybody can log in."""
    if any(not each.disabled for each in configuration.users.values()):
        return sharing(configuration)
    if configuration.users:
        mend = "Enable somebody in the configuration."
        return [warning("people", "Everybody is disabled: nobody is paged or can log in.", mend)]
    mend = "opsknight login --first YOUR-EMAIL, and open the link: the console sets up the rest."
    said = "The configuration names nobody: nobody is paged, and nobody can log in."
    return [warning("people", said, mend)]


def sharing(configuration: Configuration) -> list[Finding]:
    mend = "Remove one in the configuration, or give each their own address."
    found = mailboxes.sharing(configuration.users.values())
    return [warning("people", mailboxes.sentence(*each), mend) for each in found]


def services(configuration: Configuration, now: datetime, zone: tzinfo = UTC) -> list[Finding]:
    """`zone`: by whose clock times are told."""
    found = configuration.services
    if not found:
        mend = "Set one up in the console, or `opsknight apply` a file (docs/configuration.md)."
        return [warning("services", "There are no services yet.", mend)]
    bare = {slug_of(it.id) for it in found.values() if it.policy_id is None and not it.disabled}
    if bare:
        said = f"Services without a policy page their whole team at once: {named(bare)}."
        policies = warning("services", said, "Add a `policy` to each in the configuration.")
    else:
        policies = ok("services", f"All {len(found)} have a policy.")
    return [policies, *_never_reminded(found.values()), *_in_shadow(found.values(), now, zone)]


def _in_shadow(found: Iterable[Service], now: datetime, zone: tzinfo) -> Iterator[Finding]:
    shadowed = in_shadow(found, now)
    if shadowed:
        mend = "Let another system page meanwhile. Without `mode` in its configuration it is live."
        yield warning("services", sentence(shadowed, zone), mend)


def _never_reminded(found: Iterable[Service]) -> Iterator[Finding]:
    """What was missed at night stays missed there. For LOW that is a choice, and no warning."""
    never: dict[Urgency, set[str]] = defaultdict(set)
    for each in found:
        for urgency in Urgency:
            if not each.disabled and each.remind.every(urgency) is None:
                never[urgency].add(slug_of(each.id))
    for urgency, names in never.items():
        said = (
            f"`remind: never`: nobody is reminded of {urgency} incidents that everybody has "
            f"missed, of {named(names)}."
        )
        if urgency is Urgency.LOW:
            yield ok("services", said)
        else:
            yield warning("services", said, "Give an interval in `remind` of each service.")


# A time in seconds or milliseconds, a time in ISO 8601, a UUID, a long hexadecimal id.
_CHANGING: Final = re.compile(
    r"(?<!\d)1[5-9]\d{8}(?:\d{3})?(?!\d)"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![0-9a-f])[0-9a-f]{24,}(?![0-9a-f])",
    re.IGNORECASE,
)


def dedup_keys(keys: Mapping[str, Iterable[str]]) -> list[Finding]:
    """`keys` are the dedup keys of some incidents, by service."""
    findings = []
    for service, known in sorted(keys.items()):
        alike: dict[str, set[str]] = defaultdict(set)
        for key in known:
            masked, replaced = _CHANGING.subn("*", key)
            if replaced:
                alike[masked].add(key)
        worst = max(alike.values(), key=len, default=set())
        if len(worst) >= ALIKE:
            said = (
                f"{slug_of(service)}: each event seems to open a new incident, because the dedup "
                f'key contains a time or an id, such as "{min(worst)}".'
            )
            mend = "Make the monitor send a key that names the problem: the alert's rule and host."
            findings.append(warning("dedup keys", said, mend))
    sampled = sum(len(list(each)) for each in keys.values())
    return findings or [
        ok("dedup keys", f"No key among {sampled} incidents contains a time or an id.")
    ]


def destinations(configuration: Configuration) -> dict[str, str]:
    """What to call each receiver, by the key under which its messages are stored."""
    found = {key: name for key, name, _ in _receivers(configuration)}
    for report in configuration.reports.values():
        for user_id in report.user_ids:
            name = f"user {slug_of(user_id)} of report {slug_of(report.id)}"
            found[Owner.report(report.id).destination(user_id)] = name
    return found


def _receivers(configuration: Configuration) -> Iterator[tuple[str, str, Receiver]]:
    """With that key, and what to call each."""
    for user in configuration.users.values():
        for method in methods(user):
            name = f"{slug_of(method.id)} of user {slug_of(user.id)}"
            yield Owner.user(user.id).destination(method.id), name, method
    for each in configuration.receivers.values():
        name = f"{slug_of(each.id)} of service {slug_of(each.service_id)}"
        yield Owner.service(each.service_id).destination(each.id), name, each
    for page in configuration.status_pages.values():
        for hook in page.webhooks:
            name = f"{slug_of(hook.id)} of status page {slug_of(page.id)}"
            yield Owner.status_page(page.id).destination(hook.id), name, hook
    for report in configuration.reports.values():
        owner, of = Owner.report(report.id), f"of report {slug_of(report.id)}"
        for receiver in report.receivers:
            yield owner.destination(receiver.id), f"{slug_of(receiver.id)} {of}", receiver


def moved(
    configuration: Configuration, states: Mapping[str, ReceiverState], *, whole: bool
) -> list[Finding]:
    """`states` of those that have had a message. `whole`: for whoever may read addresses."""
    found = []
    for key, name, receiver in _receivers(configuration):
        gone = states.get(key, ReceiverState()).moved
        if gone is not None and gone.was == receiver.to:
            where = f"at {gone.was}" if whole else "where the configuration says"
            there = f" to {gone.to}" if whole else ""
            said = (
                f"{name} is not {where} any more: its provider has moved it{there}, and its"
                " messages go there meanwhile."
            )
            mend = f'Change it in the configuration: `to: "{gone.to}"`.'
            if not whole:
                mend = "Change it in the configuration: `opsknight doctor` says to what."
            found.append(warning("receivers", said, mend))
    return found


def unconfirmed(
    configuration: Configuration, states: Mapping[str, ReceiverState], now: datetime
) -> Finding:
    """`states` of those that have had a message."""
    found, count = set(), 0
    for user in configuration.users.values():
        for method in () if user.disabled else methods(user):
            count += 1
            state = states.get(Owner.user(user.id).destination(method.id), ReceiverState())
            # What was confirmed of another address says nothing about this one.
            at = state.confirmed_at if state.confirmed_to == method.to else None
            if at is None or at < now - CONFIRMED_FOR:
                found.add(f"{slug_of(method.id) or method.id} of user {slug_of(user.id)}")
    if not found:
        return ok("confirmed", f"All {count} contact methods of people have shown that they work.")
    said = (
        f"{len(found)} of {count} contact methods have not been confirmed in {CONFIRMED_FOR.days}"
        f" days: {named(found)}."
    )
    mend = "Whoever acts by a message confirms its method; or `opsknight contact test U --confirm`."
    return warning("confirmed", said, mend)


def receivers(
    names: Mapping[str, str], states: Mapping[str, ReceiverState], zone: tzinfo = UTC
) -> list[Finding]:
    """`names` has all receivers, `states` those that have had a message."""
    failing = [
        warning(
            "receivers",
            f"{names[each]} has failed {it.failures} times since "
            f"{date_and_time(it.failing_since, zone)}; only probes are sent to it.",
            "`opsknight incidents show` says why. Fix the receiver, or its configuration.",
        )
        for each, it in states.items()
        if it.is_circuit_open and it.failing_since is not None
    ]
    return failing or [ok("receivers", f"None of {len(names)} has failed for long.")]
