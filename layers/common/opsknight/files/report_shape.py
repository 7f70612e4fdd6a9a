"""The shape of a daily report; as in `shape`."""

from typing import Self

from pydantic import Field, model_validator

from opsknight.directory.receivers import Channel
from opsknight.files.method_shape import MethodShape
from opsknight.files.values import FieldError, Flag, Shape, Slug, Title
from opsknight.oncall.schedules import Zone
from opsknight.oncall.wall_clock import WallTime


class ReportShape(Shape):
    """A report of every day: what `opsknight doctor` finds in the table, and the last day."""

    name: Title | None = Field(None, description="The name that people read; by default the key.")
    at: WallTime = Field(description='When it is sent, by the clock of `zone`: "08:00".')
    zone: Zone = Field(description="The time zone of `at`, such as Europe/Berlin.")
    users: tuple[Slug, ...] = Field(
        (), description="Who gets it by e-mail, each at the address of their user."
    )
    receivers: dict[Slug, MethodShape] = Field(
        {}, description="Other addresses, chat channels and webhooks that get it."
    )
    quiet_days: Flag = Field(
        False, description="Whether a day with nothing to say gets a line that says so."
    )

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if not (self.users or self.receivers):
            raise ValueError("a report needs `users` or `receivers`: who gets it")
        for name, each in self.receivers.items():
            if each.channel in (Channel.SMS, Channel.VOICE):
                raise FieldError(
                    "receivers",
                    f"a report is long and never urgent: `{name}` cannot be of channel "
                    f"{each.channel}, but email, a chat or a webhook",
                )
        return self
