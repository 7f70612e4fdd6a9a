"""An export of PagerDuty as a configuration of ours."""

from datetime import datetime

from opsknight_cli.importing.draft import Draft
from opsknight_cli.importing.outcome import Imported
from opsknight_cli.importing.pagerduty.orchestrations import add_orchestrations, service_rules
from opsknight_cli.importing.pagerduty.people import add_teams, add_users
from opsknight_cli.importing.pagerduty.policies import add_policies
from opsknight_cli.importing.pagerduty.schedules import add_schedules
from opsknight_cli.importing.pagerduty.services import add_services, add_windows
from opsknight_cli.importing.pagerduty.shapes import Export


def imported(export: Export, now: datetime) -> Imported:
    draft = Draft("PagerDuty")
    users = add_users(export, draft)
    teams = add_teams(export, users, draft)
    schedules = add_schedules(export, users, draft, now)
    policies = add_policies(export, users, schedules, draft)
    services = add_services(export, teams, policies, service_rules(export, draft), draft)
    add_orchestrations(export, services, draft)
    add_windows(export, services, draft, now)
    return draft.done()
