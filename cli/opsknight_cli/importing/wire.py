"""Objects of other systems' APIs: what they say beyond what an import needs is ignored, and what is
missing or null has its default. A part that makes no sense is lost alone, and said.
"""

import copy
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from opsknight_cli.importing.draft import Draft

# An object with more than so many wrong parts is not what it seems.
MOST_WRONG: Final = 50
_NAMES: Final = ("name", "fullName", "summary", "username", "id")


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, sent: Any) -> Any:
        if isinstance(sent, dict):
            return {name: each for name, each in sent.items() if each is not None}
        return sent


def understood[M: BaseModel](
    model: type[M], objects: Iterable[Any], what: str, draft: Draft
) -> list[M]:
    """Those that are of this shape, as `what` they are lost if they are not."""
    found: list[M] = []
    for each in objects:
        where = f"{what} {_named(each)}"
        try:
            found.append(model.model_validate(each))
            continue
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        sent = copy.deepcopy(each)
        for _ in range(MOST_WRONG):
            path = _place(sent, first)
            if not path:
                break
            draft.lose_page(where, f"{_dotted(path)} is left out: {_said(first)}.")
            _remove(sent, path)
            try:
                found.append(model.model_validate(sent))
                break
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
        else:
            path = ()
        if not path:
            draft.lose_page(where, f"Could not be read, and is not in the file: {_said(first)}.")
    return found


def _place(sent: Any, error: ErrorDetails) -> tuple[str | int, ...]:
    """The part to leave out: what is wrong, or what something is missing in."""
    path: list[str | int] = []
    at = sent
    for part in error["loc"]:
        inside = (
            part in at if isinstance(at, dict) else isinstance(at, list) and part in range(len(at))
        )
        # The library adds marks of its own, for members of unions.
        if inside:
            at = at[part]
            path.append(part)
    return tuple(path)


def _remove(sent: Any, path: tuple[str | int, ...]) -> None:
    *above, last = path
    for part in above:
        sent = sent[part]
    del sent[last]


def _said(error: ErrorDetails) -> str:
    missing = error["loc"][-1] if error["type"] == "missing" else None
    return f"its {missing} is missing" if missing else error["msg"][:1].lower() + error["msg"][1:]


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path))


def _named(sent: Any) -> str:
    if not isinstance(sent, dict):
        return "without a name"
    found = next((sent[each] for each in _NAMES if sent.get(each)), "")
    return str(found)[:100] or "without a name"
