"""Objects of other systems' APIs: what they say beyond what an import needs is ignored, and what is
missing has a default. An object that makes no sense is lost alone.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from opsknight_cli.importing.draft import Draft
from opsknight_cli.importing.outcome import Harm


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def understood[M: BaseModel](
    model: type[M], objects: Iterable[Any], what: str, draft: Draft
) -> list[M]:
    """Those that are of this shape. The rest is lost, as `what`."""
    found: list[M] = []
    for each in objects:
        try:
            found.append(model.model_validate(each))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = ".".join(map(str, first["loc"]))
            draft.lose(
                Harm.NOT_PAGED,
                f"{what} {_named(each)}",
                f"Could not be read ({path}: {first['msg']}), and is not in the file.",
            )
    return found


def _named(sent: Any) -> str:
    if not isinstance(sent, dict):
        return "without a name"
    found = next(
        (sent[each] for each in ("name", "summary", "username", "id") if sent.get(each)), ""
    )
    return str(found)[:100] or "without a name"
