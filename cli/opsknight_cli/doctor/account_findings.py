"""Turns the answers of AWS into findings. Pure: makes no calls."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from opsknight.directory.receivers import Channel
from opsknight.health.findings import Finding, failed, named, ok, warning
from opsknight_cli.configuration.parameters import troubles

# Events, escalations, plans and messages each want to run at once; a storm wants dozens.
ENOUGH_CONCURRENCY: Final = 50
QUEUES_TAKE: Final = MappingProxyType(
    {"Events": 10, "Timer": 32, "Notify": 10, "Send": 60, "Publish": 5}
)
"""MaximumConcurrency of all queues that a function reads, in template.yaml."""
NEVER_RESERVED: Final = 100
"""What AWS keeps unreserved in every account."""
IN_A_FLOOD: Final = MappingProxyType({"Events": 200, "Timer": 32, "Send": 60})
"""What docs/operations.md reserves then."""
LATE_SECONDS: Final = 120
"""The threshold of the alarm on what is overdue."""
VERY_LATE_SECONDS: Final = 600
LONG_MINUTES: Final = 2
VERY_LONG_MINUTES: Final = 5
"""The threshold of the alarm on queues that are too long."""
# Leaves a fifth of the quota of SES for the night.
QUOTA_USED: Final = 0.8


def stack(status: str) -> Finding:
    events = "See its events: `aws cloudformation describe-stack-events`."
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok("stack", status)
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warning("stack", f"{status}: the last deployment was rolled back.", events)
    if status.endswith("_IN_PROGRESS"):
        return warning(
            "stack", f"{status}: a deployment is under way.", "Wait, and run this again."
        )
    return failed("stack", status, f"{events} Then deploy again.")


def version(deployed: str | None, here: str) -> Finding:
    if deployed is None:
        said = f"The stack has no version; this command has version {here}."
        return warning("version", said, "Deploy from this tree: `sam build && sam deploy`.")
    if deployed != here:
        said = f"The deployment has version {deployed}, this command {here}."
        mend = "Use the command from the deployed tree, or deploy this tree."
        return warning("version", said, mend)
    return ok("version", f"{deployed}, the same as this command.")


def functions(expected: Iterable[str], found: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """`found` has the configuration of each function, by logical id."""
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
        findings.append(failed("functions", f"Unable to run: {named(broken)}.", mend))
    if findings or not found:
        return findings
    last = max(str(it.get("LastModified", "")) for it in found.values())
    return [ok("functions", f"All {len(found)} exist; last updated {last[:10]} {last[11:16]} UTC.")]


def mappings(
    check: str, expected: Iterable[str], found: Mapping[str, Mapping[str, Any]]
) -> list[Finding]:
    missing = set(expected) - found.keys()
    off = {n for n, it in found.items() if it["State"] not in ("Enabled", "Enabling", "Updating")}
    stuck = {n for n, it in found.items() if "PROBLEM" in str(it.get("LastProcessingResult"))}
    findings = []
    if missing:
        said = f"Missing: {named(missing)}. Without it, work waits for the next tick."
        findings.append(failed(check, said, "Deploy again: `sam build && sam deploy`."))
    if off:
        said = f"Disabled: {named(off)}."
        mend = "Enable it: `aws lambda update-event-source-mapping --enabled --uuid ...`."
        findings.append(failed(check, said, mend))
    if stuck:
        mend = 'See the function\'s log; docs/operations.md: "A stream function falls behind".'
        findings.append(warning(check, f"Lambda reports a problem: {named(stuck)}.", mend))
    return findings or [ok(check, f"All {len(found)} are enabled.")]


def queues(
    waiting: Mapping[str, int], ages: Mapping[str, float], drain: Mapping[str, int]
) -> list[Finding]:
    """`waiting` counts the messages that are ready now, `ages` has the age of the oldest in
    seconds, `drain` what the consumers take in a minute, where that is known; all by queue.
    """
    minutes = {name: waiting.get(name, 0) / taken for name, taken in drain.items()}
    long = {name for name, each in minutes.items() if each > LONG_MINUTES}
    if long:
        worst = max(long, key=lambda name: minutes[name])
        said = (
            f"{named(long)}: too long. {worst} holds {waiting[worst]:,} messages, "
            f"{minutes[worst]:.0f} minutes of its consumers' work."
        )
        mend = 'See docs/operations.md, "A queue is too long".'
        result = failed if minutes[worst] > VERY_LONG_MINUTES else warning
        return [result("queues", said, mend)]
    late = {name: age for name, age in ages.items() if age > LATE_SECONDS and waiting.get(name)}
    if not late:
        return [
            ok("queues", f"No message has waited for long; {sum(waiting.values())} are waiting.")
        ]
    slowest = max(late, key=lambda name: late[name])
    said = f"{named(late)}: the oldest message has waited for {late[slowest]:.0f} seconds."
    mend = 'See docs/operations.md, "Something is overdue".'
    result = failed if late[slowest] > VERY_LATE_SECONDS else warning
    return [result("queues", said, mend)]


def failure_queues(holding: Mapping[str, int]) -> Finding:
    full = {name for name, number in holding.items() if number}
    if full:
        said = f"Some messages could not be processed: {named(full)}."
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
        mend = "Enable them: `aws cloudwatch enable-alarm-actions --alarm-names ...`."
        findings.append(warning("alarms", f"These alarms notify nobody: {named(mute)}.", mend))
    if len(found) < expected:
        said = f"Only {len(found)} of {expected} exist."
        findings.append(failed("alarms", said, "Deploy again: `sam build && sam deploy`."))
    return findings or [ok("alarms", f"None of {len(found)} is on.")]


def subscriptions(check: str, topic: str, found: Sequence[Mapping[str, str]]) -> Finding:
    pending = [each for each in found if not each["SubscriptionArn"].startswith("arn:")]
    confirmed = len(found) - len(pending)
    if not confirmed:
        said = "Nobody has confirmed a subscription: its messages are lost."
        mend = f"Confirm the e-mail from AWS, or `aws sns subscribe --topic-arn {topic} ...`."
        return failed(check, said, mend)
    if pending:
        said = f"{len(pending)} of {len(found)} subscriptions are not confirmed yet."
        return warning(check, said, "Their owners have to confirm the e-mail from AWS.")
    return ok(check, f"{confirmed} confirmed subscription{'' if confirmed == 1 else 's'}.")


def unsubscribing(mails: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """`mails` has the attributes of each confirmed subscription by e-mail, by its address."""
    loose = {
        address
        for address, attributes in mails.items()
        if attributes.get("ConfirmationWasAuthenticated") != "true"
    }
    if not loose:
        return []
    said = f"A link in each of its mails unsubscribes, without a password: {named(loose)}."
    mend = 'Confirm with --authenticate-on-unsubscribe; docs/operations.md: "The fallback address".'
    return [warning("fallback topic", said, mend)]


def secrets(
    wanted: Mapping[str, str], types: Mapping[str, str], prefix: str, shared: str
) -> list[Finding]:
    """As `parameters.troubles`: `types` has the existing parameters."""
    findings = [
        (failed if each.stops else warning)("secrets", each.said, each.mend)
        for each in troubles(wanted, types, prefix, shared)
    ]
    said = f"All {len(wanted)} exist." if wanted else "The configuration needs none."
    return findings or [ok("secrets", said)]


def optional_secret(check: str, name: str, types: Mapping[str, str], without: str) -> Finding:
    if name in types:
        return ok(check, f"{name} exists.")
    return ok(check, f"{name} does not exist: {without}")


def slack_secret(name: str, types: Mapping[str, str], used: Collection[Channel]) -> Finding:
    """`used`: the channels of Slack that somebody has."""
    if name in types or not used:
        return optional_secret(
            "Slack secret", name, types, "it is not needed, as nothing goes to Slack."
        )
    said = f"{name} does not exist: messages in Slack have a link and no buttons."
    mend = f"Create it: `aws ssm put-parameter --type SecureString --name {name} --value ...`."
    return warning("Slack secret", said, mend)


def concurrency(limits: Mapping[str, Any], parameters: Mapping[str, str]) -> Finding:
    """What is not reserved has to be enough for all queues of functions without a reservation."""
    free, whole = limits["UnreservedConcurrentExecutions"], limits["ConcurrentExecutions"]
    unreserved = (
        most
        for name, most in QUEUES_TAKE.items()
        if parameters.get(f"{name}Concurrency", "0") == "0"
    )
    needed = max(ENOUGH_CONCURRENCY, sum(unreserved))
    if free < needed:
        said = (
            f"The account can run {free} functions at once beside what is reserved, too few for a "
            f"storm of events: the queues alone take {needed}."
        )
        mend = 'Request more: Service Quotas, Lambda, "Concurrent executions".'
        return warning("concurrency", said, mend)
    # For "A flood tonight", which has to be possible before there is one.
    asked = sum(
        max(most - int(parameters.get(f"{name}Concurrency", "0")), 0)
        for name, most in IN_A_FLOOD.items()
    )
    if asked and free - NEVER_RESERVED < asked:
        said = (
            f"In a flood {asked} more would be reserved for events, timers and messages, but AWS "
            f"leaves {NEVER_RESERVED} unreserved, and the account has {free}."
        )
        mend = 'Request more: Service Quotas, Lambda, "Concurrent executions".'
        return warning("concurrency", said, mend)
    return ok("concurrency", f"{free} of the account's {whole} are unreserved.")


def email(account: Mapping[str, Any], identity: Mapping[str, Any] | None, sender: str) -> Finding:
    """`identity` is what SES knows about the sender's address or domain."""
    if identity is None or not identity.get("VerifiedForSendingStatus"):
        said = f"SES has not verified {sender}, so it refuses every e-mail."
        return failed(
            "e-mail", said, "Verify the domain in SES, and set the DNS records that SES asks for."
        )
    if not account.get("SendingEnabled", True) or account.get("EnforcementStatus") == "SHUTDOWN":
        return failed("e-mail", "SES has stopped this account.", "Open a case with AWS.")
    if not account.get("ProductionAccessEnabled"):
        said = "SES is in its sandbox: it sends only to verified addresses."
        return failed("e-mail", said, "Request production access in SES.")
    quota = account["SendQuota"]
    most, sent = quota["Max24HourSend"], quota["SentLast24Hours"]
    if most > 0 and sent > most * QUOTA_USED:
        said = f"{sent:.0f} of {most:.0f} e-mails a day are used up."
        return warning("e-mail", said, "Request more: Service Quotas, SES.")
    return ok(
        "e-mail", f"{sender} is verified; {sent:.0f} of {most:.0f} e-mails a day are used up."
    )


def phone(
    tier: str | None, limits: Sequence[Mapping[str, Any]], channels: Iterable[Channel]
) -> list[Finding]:
    findings = []
    if tier == "SANDBOX":
        said = "End User Messaging is in its sandbox: it reaches only verified numbers."
        mend = "Request production access in AWS End User Messaging."
        findings.append(failed("phone", said, mend))
    wanted = {Channel.SMS: "TEXT_MESSAGE", Channel.VOICE: "VOICE_MESSAGE"}
    for channel in sorted(channels):
        for limit in limits:
            if limit["Name"] == f"{wanted[channel]}_MONTHLY_SPEND_LIMIT":
                most = limit["EnforcedLimit"]
                if most <= 1:
                    said = f"At most {most} dollars a month can be spent on {channel}."
                    mend = "Raise the spend limit in AWS End User Messaging."
                    findings.append(warning("phone", said, mend))
    return findings or [ok("phone", "In production, with a spend limit above the minimum.")]
