"""Whether public status pages are rendered: whoever renders them cannot say that they do not."""

from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit

from opsknight.directory.status_pages import StatusPage
from opsknight.publishing.board import LATE
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import Deadline
from opsknight.store.posts import Posts
from opsknight.store.table import Table


def watch(table: Table, now: datetime, deadline: Deadline) -> None:
    """Signals how late they are, once that is more than a page should be. Raises Unavailable."""
    found = table.readable(StatusPage, table.status_pages(deadline))
    public = [each.id for each in found if each.public is not None]
    if not public:
        return
    posts = Posts(table)
    rendered = posts.rendered(public, deadline)
    for page_id in public:
        at = rendered.get(page_id)
        if at is None:
            # It has just become public, or its renderer never worked: its time counts from here.
            posts.note_rendered(page_id, now, deadline, first=True)
        elif (age := now - at) > LATE:
            signal("OldestDueSeconds", age.total_seconds(), MetricUnit.Seconds)
            logger.error("status page is not rendered", page_id=page_id, seconds=age.seconds)
