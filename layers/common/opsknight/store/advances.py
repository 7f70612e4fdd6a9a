"""A step of an escalation as the writes of one transaction, with its items. What a step is and whom
it pages is for the rules to say.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from opsknight.escalation.pages import Page, StepTaken
from opsknight.escalation.steps import Advanced
from opsknight.incident.canary import kept
from opsknight.store import items, transactions
from opsknight.store.wire import Item, attributes, expiry

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


def writes(decision: Advanced, table: str, retention: timedelta) -> "list[Write]":
    """The incident must be as the decision saw it (`transactions.as_seen`)."""
    incident, transition = decision.before, decision.transition
    repeated = transactions.repeated(transition.after) if transition else {}
    changed = transactions.update(repeated | transactions.expanded(decision.changes))
    condition = transactions.as_seen(incident, changed)
    key = items.incident_key(incident.id)
    steps: list[Write] = [transactions.updating(table, key, condition, changed)]
    if decision.taken is not None:
        steps.append(transactions.put_new(table, step_item(decision.taken, retention)))
    steps += (transactions.put(table, page_item(page, retention)) for page in decision.pages)
    if transition is not None:
        steps += [
            transactions.pointer(transition, table),
            transactions.timeline(transition, table, retention),
        ]
    return steps


def page_item(page: Page, retention: timedelta) -> Item:
    return (
        items.page_key(page.incident_id, page.page_no, page.user_id)
        | {"kind": {"S": "page"}, "due_shard": {"S": items.due_shard(page.incident_id)}}
        | {"expires_at": expiry(page.at, kept(page.incident_id, retention))}
        | attributes(page)
    )


def step_item(taken: StepTaken, retention: timedelta) -> Item:
    return (
        items.step_key(taken.incident_id, taken.page_no)
        | {
            "kind": {"S": "step"},
            "expires_at": expiry(taken.at, kept(taken.incident_id, retention)),
        }
        | attributes(taken)
    )
