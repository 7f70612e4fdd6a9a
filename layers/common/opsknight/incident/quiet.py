"""What keeps the incidents of a service quiet: a maintenance window, or that another system pages.

Pure.
"""

from datetime import datetime
from typing import Final

from opsknight.classes import dataclass

SHADOW: Final = "shadow"
"""In place of the id of a maintenance window, for a service in shadow."""


@dataclass(frozen=True, slots=True)
class Window:
    """What keeps the incidents of a service quiet: they open SUPPRESSED, until it ends."""

    id: str
    """Of a maintenance window, or SHADOW."""
    end: datetime
    shadow: bool = False
    """Whether the service is in shadow, in a maintenance window or not."""

    @property
    def is_silent(self) -> bool:
        """Whether nobody hears of what opens in it. In shadow receivers do, but nobody is paged."""
        return self.id != SHADOW
