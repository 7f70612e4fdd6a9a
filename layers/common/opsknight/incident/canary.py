"""The canary: an incident of the deployment's own, which goes through everything that a page goes
through and shows that it works. It appears in no list, report or count, and lives a day.

Pure: what tells it apart. The canary function sends it, and the null channel takes it.
"""

from datetime import timedelta
from typing import Final

# No id that the configuration makes looks like this.
SERVICE_ID: Final = "opsknight-canary"
POLICY_ID: Final = SERVICE_ID
USER_ID: Final = SERVICE_ID
DEDUP_KEY: Final = "canary"
NULL: Final = "null:"
"""The address of the null channel. It is no URL that the configuration accepts."""
LIFE: Final = timedelta(days=1)
_PREFIX: Final = "canary"


def id_prefix(service_id: str) -> str:
    """What the ids of the service's incidents begin with."""
    return _PREFIX if service_id == SERVICE_ID else "inc"


def is_canary(incident_id: str) -> bool:
    return incident_id.startswith(f"{_PREFIX}_")


def kept(incident_id: str, retention: timedelta) -> timedelta:
    """How long what belongs to the incident is kept."""
    return min(LIFE, retention) if is_canary(incident_id) else retention
