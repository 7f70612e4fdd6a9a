"""An export of PagerDuty in files: answers of its REST API, as they were."""

from typing import Final

from opsknight_cli.importing.exports import by_key
from opsknight_cli.importing.pagerduty.shapes import Export

_PLURAL: Final = {
    "user": "users",
    "team": "teams",
    "schedule": "schedules",
    "escalation_policy": "escalation_policies",
    "service": "services",
    "maintenance_window": "maintenance_windows",
    "orchestration": "event_orchestrations",
    "orchestrations": "event_orchestrations",
    "orchestration_path": "orchestration_paths",
}


def read(place: str) -> Export:
    """Raises CommandError."""
    kinds = {name: name for name in Export.model_fields} | _PLURAL
    return Export.model_validate(by_key(place, kinds))
