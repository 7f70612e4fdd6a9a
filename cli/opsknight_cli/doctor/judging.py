"""What AWS and the table say, judged. Pure: no call is made here."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.notification.recipients import methods
from opsknight.notification.throttle import ReceiverState

# Events, escalations, plans and messages each want to run at once; a storm wants dozens.
ENOUGH_CONCURRENCY: Final = 50
LATE_SECONDS: Final = 120
"""As the alarm on what is overdue has it."""
VERY_LATE_SECONDS: Final = 600
# What SES leaves of its quota for a night.
QUOTA_USED: Final = 0.8
# So many keys that differ only in a time or an id are no chance.
ALIKE: Final = 3
NAMES_SHOWN: Final = 4


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    said: str
    mend: str | None = None
    """What to do about it, in a sentence."""


def ok(check: str, said: str) -> Finding:
    return Finding(check, Verdict.OK, said)


def warning(check: str, said: str, mend: str) -> Finding:
    return Finding(check, Verdict.WARNING, said, mend)


def failed(check: str, said: str, mend: str) -> Finding:
    return Finding(check, Verdict.FAILED, said, mend)


def unchecked(check: str, why: str, mend: str | None = None) -> Finding:
    return Finding(check, Verdict.NOT_CHECKED, why, mend)


def named(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more


def stack(status: str) -> Finding:
    events = "See its events: `aws cloudformation describe-stack-events`."
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok("stack", status)
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warning("stack", f"{status}: the last deploy was taken back.", events)
    if status.endswith("_IN_PROGRESS"):
        return warning("stack", f"{status}: it is being changed.", "Wait, and look again.")
    return failed("stack", status, f"{events} Then deploy again.")


def version(deployed: str | None, here: str) -> Finding:
    if deployed is None:
        said = f"The stack does not say its version; this command is {here}."
        return warning("version", said, "Deploy once from this tree: `sam build && sam deploy`.")
    if deployed != here:
        said = f"Deployed is {deployed}, this command is {here}."
        return warning(
            "version", said, "Use the command of the tree that was deployed, or deploy this one."
        )
    return ok("version", f"{deployed}, as this command.")


def functions(expected: Iterable[str], found: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """`found`: what Lambda says of each, by its logical id."""
    mend = "Deploy again: `sam build && sam deploy`."
    missing = set(expected) - found.keys()
    broken = {
        name
        for name, it in found.items()
        if it.get("State", "Active") not in ("Active", "Inactive")
        or it.get("LastUpdateStatus", "Successful") == "Failed"
    }
    findings = []
    if missing:
        findings.append(failed("functions", f"Missing: {named(missing)}.", mend))
    if broken:
        findings.append(failed("functions", f"Not able to run: {named(broken)}.", mend))
    if findings or not found:
        return findings
    last = max(str(it.get("LastModified", "")) for it in found.values())
    return [ok("functions", f"All {len(found)} are there; last updated {last[:16]}.")]


def mappings(
    check: str, expected: Iterable[str], found: Mapping[str, Mapping[str, Any]]
) -> list[Finding]:
    missing = set(expected) - found.keys()
    off = {n for n, it in found.items() if it["State"] not in ("Enabled", "Enabling", "Updating")}
    stuck = {n for n, it in found.items() if "PROBLEM" in str(it.get("LastProcessingResult"))}
    findings = []
    if missing:
        said = f"Missing: {named(missing)}. What it would tell of waits for the tick."
        findings.append(failed(check, said, "Deploy again: `sam build && sam deploy`."))
    if off:
        said = f"Switched off: {named(off)}."
        mend = "Switch on: `aws lambda update-event-source-mapping --enabled --uuid ...`."
        findings.append(failed(check, said, mend))
    if stuck:
        mend = 'See the function\'s log; docs/operations.md: "A stream function falls behind".'
        findings.append(warning(check, f"Lambda reports a problem: {named(stuck)}.", mend))
    return findings or [ok(check, f"All {len(found)} are enabled.")]


def queues(waiting: Mapping[str, int], ages: Mapping[str, float]) -> list[Finding]:
    """Messages that could be taken now, and the age of the oldest in seconds, by queue."""
    late = {name: age for name, age in ages.items() if age > LATE_SECONDS and waiting.get(name)}
    if not late:
        return [ok("queues", f"Nothing waits for long; {sum(waiting.values())} to be taken.")]
    slowest = max(late, key=lambda name: late[name])
    said = f"{named(late)}: the oldest waits for {late[slowest]:.0f} seconds."
    mend = 'See docs/operations.md, "Something is overdue".'
    judge = failed if late[slowest] > VERY_LATE_SECONDS else warning
    return [judge("queues", said, mend)]


def failure_queues(holding: Mapping[str, int]) -> Finding:
    full = {name for name, number in holding.items() if number}
    if full:
        said = f"Messages were given up: {named(full)}."
        mend = 'See docs/operations.md, "A failure queue is not empty".'
        return failed("failure queues", said, mend)
    return ok("failure queues", f"All {len(holding)} are empty.")


def alarms(expected: int, found: Sequence[Mapping[str, Any]]) -> list[Finding]:
    findings = []
    for each in found:
        if each["StateValue"] == "ALARM":
            said, _, heading = str(each.get("AlarmDescription", "")).partition("docs/operations.md")
            runbook = heading.strip(' :"') or "Alarms"
            said = said.strip() or each["AlarmName"]
            findings.append(failed("alarms", said, f'See docs/operations.md, "{runbook}".'))
    mute = {each["AlarmName"] for each in found if not each.get("ActionsEnabled", True)}
    if mute:
        mend = "Switch on: `aws cloudwatch enable-alarm-actions --alarm-names ...`."
        findings.append(warning("alarms", f"They tell nobody: {named(mute)}.", mend))
    if len(found) < expected:
        said = f"Of {expected} only {len(found)} are there."
        findings.append(failed("alarms", said, "Deploy again: `sam build && sam deploy`."))
    return findings or [ok("alarms", f"None of {len(found)} is in alarm.")]


def subscriptions(check: str, topic: str, found: Sequence[Mapping[str, str]]) -> Finding:
    pending = [each for each in found if not each["SubscriptionArn"].startswith("arn:")]
    confirmed = len(found) - len(pending)
    if not confirmed:
        said = "Nobody has confirmed: what goes there is lost."
        mend = f"Open AWS's mail and confirm, or `aws sns subscribe --topic-arn {topic} ...`."
        return failed(check, said, mend)
    if pending:
        said = f"{len(pending)} of {len(found)} not confirmed yet."
        return warning(check, said, "Have them open AWS's mail and confirm.")
    return ok(check, f"{confirmed} confirmed.")


def secrets(wanted: Mapping[str, str], types: Mapping[str, str]) -> list[Finding]:
    """`wanted`: who needs a parameter, by its name; `types`: those that there are."""
    findings = []
    for name, owner in sorted(wanted.items()):
        put = f"`aws ssm put-parameter --type SecureString --name {name} --value ...`."
        if not name.startswith("/opsknight/"):
            said = f"{owner}: functions may read parameters under /opsknight/ only, not {name}."
            findings.append(failed("secrets", said, "Put it under /opsknight/, and apply that."))
        elif name not in types:
            findings.append(failed("secrets", f"{owner}: there is no {name}.", put))
        elif types[name] != "SecureString":
            said = f"{owner}: {name} is a {types[name]}, which anybody may read."
            findings.append(warning("secrets", said, f"Delete it, then {put}"))
    said = f"All {len(wanted)} are there." if wanted else "The configuration names none."
    return findings or [ok("secrets", said)]


def optional_secret(check: str, name: str, types: Mapping[str, str], without: str) -> Finding:
    if name in types:
        return ok(check, f"{name} is there.")
    return ok(check, f"There is no {name}: {without}")


def concurrency(limits: Mapping[str, Any]) -> Finding:
    free, whole = limits["UnreservedConcurrentExecutions"], limits["ConcurrentExecutions"]
    if free < ENOUGH_CONCURRENCY:
        said = f"The account may run {free} functions at once: a storm of events needs more."
        mend = 'Ask for more: Service Quotas, Lambda, "Concurrent executions".'
        return warning("concurrency", said, mend)
    return ok("concurrency", f"{free} of the account's {whole} are free for all.")


def used(configuration: Configuration) -> set[Channel]:
    """The channels by which somebody is told."""
    found = {
        method.channel
        for user in configuration.users.values()
        if not user.disabled
        for method in methods(user)
    }
    return found | {each.channel for each in configuration.receivers.values()}


def email(account: Mapping[str, Any], identity: Mapping[str, Any] | None, sender: str) -> Finding:
    """`identity`: what SES knows of the sender's address or domain."""
    if identity is None or not identity.get("VerifiedForSendingStatus"):
        said = f"SES has not verified {sender}: it refuses every e-mail."
        return failed("e-mail", said, "Verify its domain in SES, and set the records it asks for.")
    if not account.get("SendingEnabled", True) or account.get("EnforcementStatus") == "SHUTDOWN":
        return failed("e-mail", "SES has stopped this account.", "Open a case with AWS.")
    if not account.get("ProductionAccessEnabled"):
        said = "SES is in its sandbox: only addresses that are verified too get e-mail."
        return failed("e-mail", said, "Request production access in SES.")
    quota = account["SendQuota"]
    most, sent = quota["Max24HourSend"], quota["SentLast24Hours"]
    if most > 0 and sent > most * QUOTA_USED:
        said = f"{sent:.0f} of {most:.0f} e-mails of a day are sent."
        return warning("e-mail", said, "Ask for more: Service Quotas, SES.")
    return ok("e-mail", f"{sender} is verified; {sent:.0f} of {most:.0f} a day sent.")


def phone(
    tier: str | None, limits: Sequence[Mapping[str, Any]], channels: Iterable[Channel]
) -> list[Finding]:
    findings = []
    if tier == "SANDBOX":
        said = "End User Messaging is in its sandbox: only verified numbers are reached."
        mend = "Request production access in AWS End User Messaging."
        findings.append(failed("phone", said, mend))
    wanted = {Channel.SMS: "TEXT_MESSAGE", Channel.VOICE: "VOICE_MESSAGE"}
    for channel in sorted(channels):
        for limit in limits:
            if limit["Name"] == f"{wanted[channel]}_MONTHLY_SPEND_LIMIT":
                most = limit["EnforcedLimit"]
                if most <= 1:
                    said = f"At most {most} dollars a month go to {channel}: then it ends."
                    mend = "Raise the spend limit in AWS End User Messaging."
                    findings.append(warning("phone", said, mend))
    return findings or [ok("phone", "In production, with a spend limit above the least.")]


def services(configuration: Configuration) -> list[Finding]:
    found = configuration.services
    if not found:
        mend = "Write a configuration and `opsknight apply` it (docs/configuration.md)."
        return [warning("services", "There is no service yet.", mend)]
    bare = {slug_of(it.id) for it in found.values() if it.policy_id is None and not it.disabled}
    if bare:
        said = f"Without a policy, all of the team is paged at once: {named(bare)}."
        return [warning("services", said, "Give `policy` a name in the configuration.")]
    return [ok("services", f"Each of {len(found)} has a policy.")]


# A time in seconds or milliseconds, a time as ISO 8601 has it, a UUID, a long hexadecimal id.
_CHANGING: Final = re.compile(
    r"(?<!\d)1[5-9]\d{8}(?:\d{3})?(?!\d)"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![0-9a-f])[0-9a-f]{24,}(?![0-9a-f])",
    re.IGNORECASE,
)


def dedup_keys(keys: Mapping[str, Iterable[str]]) -> list[Finding]:
    """`keys`: of some incidents, by service."""
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
                f"{slug_of(service)}: each event seems to open an incident of its own, as the "
                f'dedup key has a time or an id in it, such as "{min(worst)}".'
            )
            mend = "Have the monitor send what names the problem: the alert's rule and host."
            findings.append(warning("dedup keys", said, mend))
    sampled = sum(len(list(each)) for each in keys.values())
    return findings or [ok("dedup keys", f"Those of {sampled} incidents name problems.")]


def destinations(configuration: Configuration) -> dict[str, str]:
    """All receivers, as messages to them are kept, and what to call each."""
    found = {}
    for user in configuration.users.values():
        for method in methods(user):
            name = f"{slug_of(method.id)} of user {slug_of(user.id)}"
            found[Owner.user(user.id).destination(method.id)] = name
    for each in configuration.receivers.values():
        name = f"{slug_of(each.id)} of service {slug_of(each.service_id)}"
        found[Owner.service(each.service_id).destination(each.id)] = name
    for page in configuration.status_pages.values():
        for hook in page.webhooks:
            name = f"{slug_of(hook.id)} of page {slug_of(page.id)}"
            found[Owner.status_page(page.id).destination(hook.id)] = name
    return found


def receivers(names: Mapping[str, str], states: Mapping[str, ReceiverState]) -> list[Finding]:
    """`names` of all receivers, `states` of those that have had a message."""
    ill = [
        warning(
            "receivers",
            f"{names[each]} has failed {it.failures} times since "
            f"{it.failing_since:%Y-%m-%d %H:%M} UTC, and is probed.",
            "`opsknight incidents show` says why. Mend the receiver, or its entry.",
        )
        for each, it in states.items()
        if it.is_circuit_open and it.failing_since is not None
    ]
    return ill or [ok("receivers", f"None of {len(names)} has failed for long.")]


def wanted_secrets(configuration: Configuration) -> dict[str, str]:
    """Who needs which parameter, by its name."""
    found: dict[str, str] = {}

    def add(owner: str, receivers: Iterable[Receiver]) -> None:
        for each in receivers:
            for name in (each.secret, each.next_secret):
                if name:
                    found.setdefault(name, owner)

    for user in configuration.users.values():
        add(f"user {slug_of(user.id)}", user.contact_methods)
    for receiver in configuration.receivers.values():
        add(f"receiver of {slug_of(receiver.service_id)}", [receiver])
    for page in configuration.status_pages.values():
        add(f"status page {slug_of(page.id)}", page.webhooks)
    return found
