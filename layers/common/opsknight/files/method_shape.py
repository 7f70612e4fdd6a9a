"""The shape of a way to reach somebody; as in `shape`."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from opsknight.directory.receivers import Channel, Login
from opsknight.files.channel_fields import E164, NUMBER, SECRET, TO, misplaced
from opsknight.files.login_shape import LoginShape, login
from opsknight.files.values import FieldError, Parameter, Shape, Title


class MethodShape(Shape):
    """A way to reach somebody: a channel with its address and secret."""

    channel: Channel = Field(description="How messages are sent.")
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    to: Annotated[str, Field(max_length=2000)] | None = Field(
        None,
        description="The destination: an address, number, URL, or id of a channel, user or chat.",
    )
    secret: Parameter | None = Field(
        None,
        description="The name of the SSM SecureString parameter that holds the token, URL or key.",
    )
    next_secret: Parameter | None = Field(
        None, description="For a webhook during a rotation: bodies are signed with both secrets."
    )
    login: LoginShape | None = Field(
        None, description="For a webhook: what its receiver wants to know of whoever posts."
    )

    @model_validator(mode="after")
    def _has_what_its_channel_needs(self) -> Self:
        channel = self.channel
        if (wanted := TO.get(channel)) is None:
            if self.to is not None:
                raise FieldError("to", misplaced(channel))
        elif self.to is None:
            raise ValueError(f"channel {channel} needs `to`: {wanted[1]}")
        elif not wanted[0].fullmatch(self.to):
            bare = re.sub(r"[\s()./-]", "", self.to)
            hint = f'; write "{bare}"' if wanted is NUMBER and E164.fullmatch(bare) else ""
            raise FieldError("to", f"`to` of channel {channel} must be {wanted[1]}{hint}")
        needed, what = SECRET.get(channel, (None, ""))
        if needed is None and self.secret is not None:
            raise FieldError("secret", f"channel {channel} does not use `secret`: remove it")
        if needed and self.secret is None:
            raise ValueError(f"channel {channel} needs `secret`: the name of {what}")
        if self.next_secret is not None and (channel is not Channel.WEBHOOK or not self.secret):
            raise ValueError(
                "only a webhook with a `secret` can have a `next_secret`, during a rotation"
            )
        if self.login is not None and channel is not Channel.WEBHOOK:
            raise FieldError("login", f"channel {channel} does not use `login`: remove it")
        return self

    @property
    def known_by(self) -> Login | None:
        return login(self.login)
