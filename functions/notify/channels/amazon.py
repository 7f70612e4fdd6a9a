"""Calls to SES and End User Messaging, and the meaning of their answers for a message."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from notify.channels.protocol import (
    Misconfigured,
    Outcome,
    PermanentFailure,
    Sent,
    TemporaryFailure,
)
from opsknight.runtime.telemetry import logger, signal

CLIENT_CONFIG: Final = Config(
    connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 1, "mode": "standard"}
)
"""For both clients. The queue retries, and a send has 12 seconds."""

# The function's role lacks something: no page is thrown away for it.
_OURS: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_LASTING: Final = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "ConflictException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "NotFoundException",
        "ResourceNotFoundException",
        "SendingPausedException",
        "ValidationException",
    }
)


def sent_by(call: Callable[..., Mapping[str, Any]], **request: object) -> Outcome:
    """Calls, and returns the outcome. An error that is not known to last may be tried again."""
    try:
        answer = call(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # Such as DESTINATION_PHONE_NUMBER_OPTED_OUT. Not the message, which holds phone numbers.
        reason = error.response.get("Reason")
        why = f"{code}: {reason}" if isinstance(reason, str) else code
        if code in _OURS:
            signal("Failures")
            logger.error("AWS refuses the function a call", cause=code)
            return Misconfigured(why)
        return PermanentFailure(why) if code in _LASTING else TemporaryFailure(why)
    except (ConnectionError, HTTPClientError):
        return TemporaryFailure("no answer from AWS")
    except ParamValidationError:
        return PermanentFailure("AWS does not accept this address or number")
    return Sent(answer["MessageId"])


def tag(text: str) -> str:
    """The text as a tag value that SES accepts. Our ids are valid as they are."""
    return re.sub(r"[^A-Za-z0-9_.@-]", "_", text)[:256]
