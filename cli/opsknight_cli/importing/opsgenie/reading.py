"""An export of Opsgenie as a configuration of ours."""

from datetime import datetime

from opsknight_cli.importing.draft import Draft
from opsknight_cli.importing.opsgenie.escalations import (
    add_escalations,
    directory,
    say_who_is_paged_directly,
)
from opsknight_cli.importing.opsgenie.people import add_teams, add_users
from opsknight_cli.importing.opsgenie.schedules import add_schedules
from opsknight_cli.importing.opsgenie.senders import add_senders, add_windows
from opsknight_cli.importing.opsgenie.services import add_services
from opsknight_cli.importing.opsgenie.shapes import Export
from opsknight_cli.importing.outcome import Imported


def imported(export: Export, now: datetime) -> Imported:
    draft = Draft("Opsgenie")
    users = add_users(export, draft)
    teams = add_teams(export, users, draft)
    schedules = add_schedules(export, users, draft, now)
    known = directory(export, users, teams, schedules, draft)
    policies = add_escalations(known, draft)
    say_who_is_paged_directly(export, known, draft, now)
    services = add_services(export, policies, known, draft)
    add_windows(export, add_senders(export, services, draft), draft, now)
    return draft.done()
