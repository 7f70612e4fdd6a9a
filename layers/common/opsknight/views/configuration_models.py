"""The answers about the configuration; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from opsknight.views.directory_models import FilePlaceAnswer
from opsknight.views.wire import Absent, Shape


class OwnerAnswer(Shape):
    """Whoever owns the configuration: what they applied, nobody else changes."""

    by: Annotated[str, Field(description="`file` for the command line, or `console`.")]
    who: str | Absent = None
    at: Annotated[datetime | Absent, Field(description="When they last applied.")] = None
    revision: int | Absent = None
    source: Annotated[str | Absent, Field(description="The file, as its operator named it.")] = None


class ConfigurationAnswer(Shape):
    revision: int
    owner: Annotated[
        OwnerAnswer | Absent, Field(description="Absent while there is nothing to own.")
    ] = None
    text: Annotated[str, Field(description="As `opsknight export` prints it.")]
    masked: Annotated[
        bool,
        Field(description="Whether addresses, numbers and URLs are masked, as for all but ADMINs."),
    ]
    may_apply: Annotated[bool, Field(description="Whether the caller's role may apply it.")]


class PartAnswer(Shape):
    """One thing of the configuration, with all that belongs to it."""

    path: str
    text: Annotated[str, Field(description="As it stands in a file, to be copied there.")]
    masked: Annotated[
        bool,
        Field(description="Whether addresses, numbers and URLs are masked, as for all but ADMINs."),
    ]
    may_apply: Annotated[bool, Field(description="Whether the caller's role may apply it.")]
    owner: Annotated[
        OwnerAnswer | Absent, Field(description="Whoever changes it, and their last apply.")
    ] = None
    place: Annotated[
        FilePlaceAnswer | Absent,
        Field(description="Where the file has it that was applied last; absent if unknown."),
    ] = None


class RevisionChange(Shape):
    action: Annotated[str, Field(description="`create`, `update` or `remove`.")]
    kind: str
    path: str


class RevisionAnswer(Shape):
    """What one transaction of an apply has changed."""

    revision: int
    at: datetime
    by: str
    who: str
    source: str | Absent = None
    took_over: bool
    changes: Sequence[RevisionChange]


class Revisions(Shape):
    revisions: Sequence[RevisionAnswer]
    next: Annotated[
        int | Absent, Field(description="For `before`, where there may be older ones.")
    ] = None


class ProblemAnswer(Shape):
    severity: Annotated[str, Field(description="`error`, or `warning`.")]
    line: Annotated[int, Field(description="From 1.")]
    column: Annotated[int, Field(description="From 1.")]
    path: Annotated[str, Field(description="`services.checkout`; empty for the whole text.")]
    message: Annotated[str, Field(description="What is wrong, and how to fix it.")]


class Validated(Shape):
    valid: Annotated[bool, Field(description="Whether it could be applied: no error.")]
    problems: Sequence[ProblemAnswer]


class DifferenceAnswer(Shape):
    """In one place of an entry. Without `before` or `after` there is nothing."""

    path: str
    before: str | Absent = None
    after: str | Absent = None


class PlannedChange(Shape):
    action: Annotated[str, Field(description="`create`, `update` or `remove`.")]
    kind: str
    path: str
    text: Annotated[
        str | Absent, Field(description="What is created, as YAML; absent for other actions.")
    ] = None
    differences: Annotated[
        Sequence[DifferenceAnswer], Field(description="Of what is updated, as YAML.")
    ] = ()
    ends_keys: Annotated[int, Field(description="How many live keys end with it.")]


class LeftAnswer(Shape):
    """What the text does not name, and what stays nevertheless."""

    path: str
    incident_id: Annotated[
        str | Absent, Field(description="The active incident that needs it, with `prune`.")
    ] = None


class PlanAnswer(Shape):
    revision: Annotated[int, Field(description="For `apply`: it refuses once this has moved on.")]
    digest: Annotated[
        str, Field(description="Of its changes: with it, `apply` makes these and no others.")
    ]
    owner: OwnerAnswer | Absent = None
    problems: Annotated[Sequence[ProblemAnswer], Field(description="Warnings.")]
    changes: Sequence[PlannedChange]
    hidden: Annotated[
        Sequence[str] | Absent,
        Field(
            description="Only for a caller who is shown addresses, numbers and URLs masked: the "
            "places of the text that are not told to be different, whether they are or not."
        ),
    ] = None
    dangers: Annotated[
        Sequence[str], Field(description="Sentences: what ends, and who pages nobody.")
    ]
    needs_force: Annotated[bool, Field(description="Whether `apply` needs `force`.")]
    left: Sequence[LeftAnswer]


class AppliedAnswer(Shape):
    revision: Annotated[int, Field(description="The new one; the old one if nothing changes.")]
    changed: Annotated[int, Field(description="How many entries.")]
