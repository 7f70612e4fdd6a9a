"""Puts a timeline into words, for web pages and terminals. Pure: names and clocks are arguments."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.receivers import Channel
from opsknight.escalation.pages import StepTaken, Why
from opsknight.incident.model import ActorKind, Alert
from opsknight.incident.rollouts import Rollout
from opsknight.incident.timeline import VIA, Change, ChangeKind
from opsknight.notification.delivery import Delivery, State

# A sentence names this many people, and counts the rest.
NAMED: Final = 3

MESSAGES: Final = {
    Channel.EMAIL: "e-mail",
    Channel.SMS: "text message",
    Channel.VOICE: "call",
    Channel.SLACK: "Slack message",
    Channel.TELEGRAM: "Telegram message",
    Channel.NTFY: "ntfy message",
    Channel.PUSHOVER: "Pushover message",
}

type Names = Callable[[str], str]
"""The name of a user, by id."""


def opened(alert: Alert) -> str:
    return f"Opened by {alert.actor.name}"


def said(change: Change, names: Names, clock: Callable[[datetime], str]) -> str:
    """A sentence without its time. `clock` writes an instant as the reader's clock shows it."""
    by = "" if change.actor.kind is ActorKind.TIMER else f" by {change.actor.name}"
    detail = change.detail
    match change.what:
        case ChangeKind.SNOOZED if "until" in detail:
            return f"Snoozed until {clock(datetime.fromisoformat(detail['until']))}{by}"
        case ChangeKind.UNSNOOZED:
            return f"Snooze ended{by}"
        case ChangeKind.UNSUPPRESSED:
            return f"No longer suppressed{by}" if by else "Maintenance ended"
        case ChangeKind.ESCALATED if "step" in detail:
            return f"Escalated to step {int(detail['step']) + 1}{by}"
        case ChangeKind.REASSIGNED if "assignee" in detail:
            return f"Given to {names(detail['assignee'])}{by}"
        case ChangeKind.ALSO_PAGED if "whom" in detail:
            return f"Also paged {detail['whom']}{by}"
        case ChangeKind.REOPENED if by:
            return f"Acknowledgement taken back{by}"
        case ChangeKind.REOPENED:
            return "Opened again: it stayed acknowledged for too long"
        case ChangeKind.RESOLVED if "why" in detail:
            return f"Resolved{by}: {detail['why']}"
        case ChangeKind.AUTO_RESOLVED:
            return "Resolved: no alert came any more"
        case ChangeKind.UNREACHED if "user" in detail:
            why = ": nobody tried in time" if "untried" in detail else ""
            return f"{names(detail['user'])} could not be reached{why}"
        case ChangeKind.RAISED if "because" in detail:
            return f"Urgency raised to {detail['urgency']}: support hours have begun"
        case ChangeKind.DELAYED:
            return "The next step waits: nobody has tried to send the page before it"
        case ChangeKind.RAISED | ChangeKind.LOWERED if "urgency" in detail:
            return f"Urgency {change.what} to {detail['urgency']}{by}"
        case ChangeKind.JOINED if "alert" in detail:
            return f"One more alert: {detail['alert']}{by}"
        case ChangeKind.WAITED if "alerts" in detail:
            return f"{detail['alerts']} alerts have come: paging begins"
        case ChangeKind.WAITED:
            return "It has not resolved itself: paging begins"
        case ChangeKind.NOTED if "note" in detail:
            return f"{change.actor.name}: {detail['note']}"
        case ChangeKind.AMENDED if detail:
            said = "; ".join(f"{name}: {text}" for name, text in detail.items() if name != VIA)
            return f"{change.actor.name} says now: {said}"
        case what:
            return f"{what.capitalize()}{by}"


def taken(step: StepTaken, names: Names) -> str:
    """A step of the escalation, as a sentence."""
    if step.reason is Why.EXHAUSTED:
        return "All steps are over, and nobody acted"
    which = "" if step.step is None else f" (step {step.step + 1})"
    if not step.user_ids:
        return f"Nobody could be paged{which}"
    first = [names(user_id) for user_id in step.user_ids[:NAMED]]
    more = len(step.user_ids) - len(first)
    if more:
        return f"Paged {', '.join(first)} and {more} more{which}"
    return (
        f"Paged {' and '.join([', '.join(first[:-1]), first[-1]] if first[1:] else first)}{which}"
    )


def rolled_out(found: Sequence[Rollout], opened_at: datetime) -> str:
    """`6 min before: Deployed v2 (ci); 40 min before: ...`; empty for none."""
    return "; ".join(
        f"{lasting(passed)} before: {each.summary} ({each.source})"
        if (passed := opened_at - each.at) >= timedelta(minutes=1)
        else f"just before: {each.summary} ({each.source})"
        for each in found
    )


def still_firing(firing: int | None, members: int | None) -> str | None:
    """`2 of 3 still firing`; None where it is no group, or of one alert."""
    if members is None or members < 2:
        return None
    return f"{firing or 0:,} of {members:,} still firing"


def ended(delivery: Delivery, names: Names) -> str:
    """How a message to a person ended."""
    message = f"{MESSAGES.get(delivery.channel, 'message')} to {names(delivery.user_id)}"
    match delivery.state:
        case State.SENT:
            return f"Sent: {message}"
        case State.CANCELLED:
            return f"Not sent, as it was no longer needed: {message}"
        case state:
            why = f" ({delivery.why})" if delivery.why else ""
            return f"{state.capitalize().replace('_', ' ')}: {message}{why}"


def ago(since: datetime, now: datetime) -> str:
    """In the largest fitting unit: `just now`, `4 min ago`, `3 h ago`, `2 days ago`."""
    passed = now - since
    if passed < timedelta(minutes=1):
        return "just now"
    return f"{lasting(passed)} ago"


def lasting(time: timedelta) -> str:
    """`4 min`, `3 h`, `2 days`."""
    minutes = int(time.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"
