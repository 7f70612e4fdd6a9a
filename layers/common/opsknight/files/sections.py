"""What a configuration file is divided into, for those who write one and read none: the shapes that
check it take a tenth of a second to make.
"""

from enum import StrEnum
from typing import Final

SECTIONS: Final = (
    "users",
    "teams",
    "schedules",
    "policies",
    "services",
    "status_pages",
    "reports",
    "presets",
    "aws",
)
"""In the order of a file."""


class Mode(StrEnum):
    """Whether a service pages."""

    LIVE = "live"
    SHADOW = "shadow"
