"""Every answer that is not a 202: its status, its wording (the owner's document, "Error
Responses"), its headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Refusal(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(
        self,
        status: int,
        error: str,
        **more: Any,
    ) -> None:
        super().__init__(error)
        self.answer = Answer(status, {"error": error, **more})
