"""What a preset says: where the payload of a tool has what an event needs. The texts are JMESPath
expressions; `opsknight.integrations` evaluates them.
"""

from enum import StrEnum
from typing import Literal

from opsknight.directory.routing import Expression
from opsknight.incident.model import Action, Model, Severity

type Words = tuple[str, ...]


class Scheme(StrEnum):
    """How a tool signs a request, or shows that it knows the secret."""

    HMAC_SHA256 = "hmac_sha256"
    """The header has the HMAC of the body in hexadecimal digits."""
    HMAC_SHA256_BASE64 = "hmac_sha256_base64"
    """The same in Base64."""
    HMAC_SHA1 = "hmac_sha1"
    """The same in hexadecimal digits, by SHA-1: some tools sign by nothing better."""
    STANDARD_WEBHOOKS = "standard_webhooks"
    """The HMAC of id, time and body, as standardwebhooks.com describes it."""
    TOKEN = "token"  # noqa: S105 - a scheme, no token
    """The header has the secret itself."""


class Signature(Model):
    scheme: Scheme
    header: str
    """In lower case."""
    prefix: str = ""
    """Stands before the digits, or before each of several, which commas part."""


class Ignore(StrEnum):
    IGNORE = "ignore"


class ActionRule(Model):
    """What an event asks for: the value is compared with whole words, in any case."""

    value: Expression
    trigger: Words = ()
    acknowledge: Words = ()
    resolve: Words = ()
    ignore: Words = ()
    """It is no event: a test message, or news that wakes nobody."""
    otherwise: Action | Ignore = Action.TRIGGER
    """Of any other value, and of none."""


class SeverityRule(Model):
    """How bad it is. A value that is not listed is understood as that of any other sender."""

    value: Expression
    critical: Words = ()
    error: Words = ()
    warning: Words = ()
    info: Words = ()
    otherwise: Severity | None = None
    """Of any other value, and of none; None leaves it to what senders usually mean."""


class Link(Model):
    href: Expression
    text: str


class Preset(Model):
    """Expressions see `body`, `headers` (names in lower case) and `item`, one of its events."""

    id: str
    name: str
    events: Expression = "body"
    """One object, or a list of them."""
    action: ActionRule
    dedup_key: Expression
    summary: Expression
    source: Expression | None = None
    severity: SeverityRule | None = None
    details: Expression = "item"
    links: tuple[Link, ...] = ()
    signatures: tuple[Signature, ...] = ()
    """Any of them will do."""
    setup: tuple[str, ...] = ()
    """What to do in the tool, step by step. `{url}` stands for the address, `{key}` for the key."""
    answers: Literal[200, 202] = 202
    """The status of what is taken: a tool may send again whatever is not answered with 200."""
