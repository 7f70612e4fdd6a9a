"""The answer about figures; as in `models`."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from opsknight.analytics.figures import By
from opsknight.views.wire import Absent, Shape


class TookAnswer(Shape):
    """In seconds, to within 2.5 percent."""

    median: int
    p90: Annotated[int, Field(description="Nine of ten took no longer.")]


class FigureRow(Shape):
    id: Annotated[
        str,
        Field(description="Of the service, team or user; the date; of a key `service/dedup key`."),
    ]
    name: Annotated[
        str | Absent, Field(description="Of a key: the title that its incidents had last.")
    ] = None
    service_id: Annotated[str | Absent, Field(description="Of a key.")] = None
    service_name: str | Absent = None
    incidents: Annotated[
        int, Field(description="Resolved ones. Of a person: those that they acknowledged first.")
    ]
    alerts: int
    acknowledged: int
    time_to_acknowledge: Annotated[
        TookAnswer | Absent,
        Field(description="From the opening; of a person, from their own page."),
    ] = None
    time_to_resolve: TookAnswer | Absent = None
    paging: Annotated[int, Field(description="Incidents that paged somebody.")]
    in_time: Annotated[
        int,
        Field(description="Of those, acknowledged or over before the escalation went on."),
    ]
    pages: int
    night_pages: Annotated[
        int, Field(description="From 22:00 to 7:00 by the clock of whoever was paged.")
    ]
    hours: Annotated[
        Sequence[int], Field(description="Pages in each hour of their day, from 0:00 on.")
    ]
    query: Annotated[
        str | Absent,
        Field(description="Lists the incidents: the query of `GET /api/incidents`."),
    ] = None


class Figures(Shape):
    first_day: date
    last_day: Annotated[date, Field(description="Days are those of UTC, both ends with them.")]
    made_until: Annotated[
        date | Absent, Field(description="The last day whose figures are there.")
    ] = None
    by: By
    total: FigureRow
    rows: Sequence[FigureRow]
