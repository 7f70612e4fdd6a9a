"""The items of the directory: who and what exists. Their keys in the table are in `items`."""

from typing import assert_never

from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.directory.receivers import ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.policy import Policy
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store import items
from opsknight.store.wire import Item, attributes

type Entry = (
    Team
    | User
    | Service
    | Integration
    | Schedule
    | ServiceReceiver
    | StatusPage
    | Preset
    | AwsRules
    | DailyReport
)


def directory_item(entry: Entry) -> Item:
    match entry:
        case Team():
            return items.team_key(entry.id) | {"kind": {"S": "team"}} | attributes(entry)
        case User():
            return items.user_key(entry.id) | {"kind": {"S": "user"}} | attributes(entry)
        case Service():
            return items.service_key(entry.id) | {"kind": {"S": "service"}} | attributes(entry)
        case Integration():
            key = items.integration_item_key(entry.service_id, entry.id)
            return key | {"kind": {"S": "integration"}} | attributes(entry)
        case Schedule():
            return items.schedule_key(entry.id) | {"kind": {"S": "schedule"}} | attributes(entry)
        case ServiceReceiver():
            key = items.receiver_key(entry.service_id, entry.id)
            return key | {"kind": {"S": "receiver"}} | attributes(entry)
        case Preset():
            return items.preset_key(entry.id) | {"kind": {"S": "preset"}} | attributes(entry)
        case AwsRules():
            return items.AWS_RULES_KEY | {"kind": {"S": "aws_rules"}} | attributes(entry)
        case StatusPage():
            return (
                items.status_page_key(entry.id) | {"kind": {"S": "status_page"}} | attributes(entry)
            )
        case DailyReport():
            return items.report_key(entry.id) | {"kind": {"S": "report"}} | attributes(entry)
        case _:
            assert_never(entry)


def override_item(schedule_id: str, override: Override) -> Item:
    key = items.override_key(schedule_id, override.id)
    return key | {"kind": {"S": "override"}} | attributes(override)


def policy_items(policy: Policy) -> tuple[Item, Item]:
    """The item by which new escalations begin, and the version that those under way keep to."""
    rest: Item = {"kind": {"S": "policy"}, **attributes(policy)}
    return items.policy_key(policy.id) | rest, items.policy_key(policy.id, policy.version) | rest
