"""Reads the JSON body of a request into a model, and says what is wrong with it, field by field."""

import json
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ValidationError

from opsknight.http.gateway import Failure, HttpError, Issue
from opsknight.incident.event_request import readable_float, readable_int


class InvalidJson(Exception):
    """The body is not JSON; the text says why."""


class InvalidBody(Exception):
    """The body is JSON, but the model does not accept it."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__(f"{len(issues)} issues")
        self.issues = issues


def read[M: BaseModel](model: type[M], body: bytes, largest: int) -> M:
    """Raises HttpError: 413 or 400."""
    if len(body) > largest:
        raise HttpError(413, Failure(error="Payload too large", maximum_bytes=largest))
    try:
        return parse(model, body)
    except InvalidJson as error:
        raise HttpError(400, Failure(error="Invalid JSON", message=str(error))) from None
    except InvalidBody as error:
        raise invalid(*error.issues) from None


def invalid(*issues: Issue) -> HttpError:
    return HttpError(400, Failure(error="Invalid request body", issues=issues))


def parse[M: BaseModel](model: type[M], body: bytes) -> M:
    """Raises InvalidJson or InvalidBody."""
    try:
        return model.model_validate(_decoded(_DECODER, body))
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except ValidationError as error:
        raise InvalidBody([_issue(each) for each in error.errors(include_url=False)]) from None


def decoded(body: bytes) -> Any:
    """JSON with all its numbers readable, to be written again. Raises InvalidJson."""
    return _decoded(_READABLE, body)


def _decoded(decoder: json.JSONDecoder, body: bytes) -> Any:
    try:
        return decoder.decode(body.decode("utf-8-sig"))
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise InvalidJson(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise InvalidJson(f"{reason} at line {error.lineno}, column {error.colno}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON")


# The store keeps the text of the body, numbers as sent. A float will do here, and takes any length.
_DECODER: Final = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
_READABLE: Final = json.JSONDecoder(
    parse_float=readable_float, parse_int=readable_int, parse_constant=_refuse_constant
)

_MESSAGES: Final = {
    "missing": "is required",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode: it holds half of a surrogate pair",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be an id: letters, digits, - and _",
    "enum": "must be {expected}",
    "bool_type": "must be true or false",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "timezone_aware": "must have an offset, or Z",
    # A validator of ours raises a whole sentence.
    "value_error": "{error}",
}


def _issue(error: Any) -> Issue:
    template = _MESSAGES.get(error["type"])
    # A message of pydantic's own is a sentence, and may hold braces.
    message = error["msg"] if template is None else template.format_map(error.get("ctx", {}))
    return Issue(path=".".join(str(part) for part in error["loc"]), message=message)
