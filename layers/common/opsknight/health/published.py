"""Public status pages: whether they are rendered. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from opsknight.config.configuration import slug_of
from opsknight.directory.status_pages import StatusPage
from opsknight.health.findings import Finding, named, ok, warning
from opsknight.publishing.board import LATE


def findings(
    public: Sequence[StatusPage], rendered: Mapping[str, datetime], now: datetime
) -> Finding:
    """`rendered`: when each was, by id."""
    late = {
        slug_of(each.id)
        for each in public
        if (at := rendered.get(each.id)) is None or now - at > LATE
    }
    if late:
        said = f"Status pages are out of date: {named(late)}."
        mend = 'docs/operations.md, "Something is overdue", says where to look.'
        return warning("status pages", said, mend)
    if not public:
        return ok("status pages", "None is public.")
    return ok("status pages", f"All {len(public)} are rendered.")
