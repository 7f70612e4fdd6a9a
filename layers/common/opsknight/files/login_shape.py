"""The shape of a webhook's login in a configuration file."""

import re
from typing import Any, Final, Self

from pydantic import Field, model_validator

from opsknight.directory.receivers import Login, LoginKind
from opsknight.files.values import FieldError, Parameter, Shape

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# Set by every request, or by the connection; what a signature is checked with is ours as well.
_TAKEN: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_OURS: Final = "x-opsknight-"


class LoginShape(Shape):
    """Exactly one of `basic`, `bearer` and `header`."""

    basic: Parameter | None = Field(
        None,
        description="The name of the SSM SecureString parameter with user:password, for HTTP's "
        "basic authentication.",
    )
    bearer: Parameter | None = Field(
        None, description="The name of the SSM SecureString parameter with a bearer token."
    )
    header: str | None = Field(
        None,
        max_length=64,
        description="The name of a header, such as X-Api-Key; `secret` names its value.",
    )
    secret: Parameter | None = Field(
        None, description="The name of the SSM SecureString parameter with the header's value."
    )

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        given = [each for each in (self.basic, self.bearer, self.header) if each is not None]
        if len(given) != 1:
            raise ValueError("a login needs exactly one of `basic`, `bearer` and `header`")
        if self.header is None:
            if self.secret is not None:
                raise FieldError("secret", "`secret` of a login belongs to `header`: remove it")
            return self
        if not _NAME.fullmatch(self.header):
            raise FieldError("header", "must be the name of a header alone, such as X-Api-Key")
        name = self.header.lower()
        if name in _TAKEN or name.startswith(_OURS):
            raise FieldError(
                "header", f"requests have the header {self.header} already: name another"
            )
        if self.secret is None:
            raise ValueError(
                "a login by `header` needs `secret`: the name of the parameter with its value"
            )
        return self


def login(shape: LoginShape | None) -> Login | None:
    if shape is None:
        return None
    for kind, secret in (
        (LoginKind.BASIC, shape.basic),
        (LoginKind.BEARER, shape.bearer),
        (LoginKind.HEADER, shape.secret),
    ):
        if secret is not None:
            return Login(kind=kind, secret=secret, header=shape.header or "")
    return None


def described_login(found: Login | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if found.kind is LoginKind.HEADER:
        return {"header": found.header, "secret": found.secret}
    return {found.kind.value: found.secret}
