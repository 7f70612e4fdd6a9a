"""The shape of a service's mirror in a configuration file."""

from typing import Any, Self

from pydantic import Field, model_validator

from opsknight.directory.mirror import Mirror, System
from opsknight.files.values import Address, FieldError, Flag, Parameter, Shape


class MirrorShape(Shape):
    to: System = Field(description="The system that gets the events: pagerduty, opsgenie, webhook.")
    secret: Parameter | None = Field(
        None,
        description="The name of the SSM SecureString parameter with its integration key; bodies "
        "to a webhook are signed with it.",
    )
    url: Address | None = Field(
        None,
        description="The address of a webhook; of the others only where it is not the usual one, "
        "as in the EU.",
    )
    actions: Flag = Field(
        False, description="Whether acknowledgements and resolves by people are passed on, too."
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.to is System.WEBHOOK and self.url is None:
            raise ValueError("a mirror to a webhook needs `url`: where to post the events")
        if self.to is not System.WEBHOOK and self.secret is None:
            raise ValueError(f"a mirror to {self.to} needs `secret`: the name of its key")
        if self.url is not None and not self.url.startswith("https://"):
            raise FieldError("url", "`url` of a mirror must begin with https://")
        return self


def mirror(shape: MirrorShape | None) -> Mirror | None:
    if shape is None:
        return None
    return Mirror(to=shape.to, secret=shape.secret, url=shape.url, actions=shape.actions)


def described_mirror(found: Mirror | None) -> dict[str, Any] | None:
    if found is None:
        return None
    fields = {
        "to": found.to.value,
        "secret": found.secret,
        "url": found.url,
        "actions": found.actions or None,
    }
    return {name: each for name, each in fields.items() if each is not None}
