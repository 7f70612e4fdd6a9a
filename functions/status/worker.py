"""Woken by the topic of pages to render, and by a schedule every minute that asks for all of them.
Whatever is wrong with one page harms no other, and no message comes back: the next minute asks
again.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.config.configuration import PREFIX, Kind
from opsknight.directory.status_pages import StatusPage
from opsknight.runtime import aws, clients, clock
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.renders import Renders
from opsknight.runtime.settings import PublishingSettings, read_settings
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.table import Table
from status.bucket import S3_CONFIG, Bucket, Overtaken
from status.rendering import Rendering

PATIENCE_SECONDS: Final = 20
# Workers that are at the same page at once overtake each other once or twice.
TRIES: Final = 3
# How often the bucket is searched for pages that no configuration has any more.
SWEPT_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Worker:
    rendering: Rendering
    renders: Renders

    def tick(self) -> None:
        """Raises Unavailable."""
        now, table = self.rendering.clock(), self.rendering.table
        found = table.readable(StatusPage, table.status_pages(Deadline.after(PATIENCE_SECONDS)))
        wanted = {each.id for each in found if each.public is not None}
        if now.minute % (SWEPT_EVERY.seconds // 60) == 0:
            wanted |= {f"{PREFIX[Kind.STATUS_PAGE]}_{it}" for it in self.rendering.bucket.paths()}
        self.renders.ask(sorted(wanted))

    def render(self, page_ids: Iterable[str]) -> None:
        """Raises nothing."""
        for page_id in dict.fromkeys(page_ids):
            try:
                self._render(page_id)
            except Unavailable:
                signal("StoreUnavailable")
                logger.exception("status pages left to the next minute", page_id=page_id)
                # It is the others' as well, and each would wait as long.
                return
            # One page that cannot be rendered keeps no other from it.
            except Exception:
                signal("Failures")
                logger.exception("status page was not rendered", page_id=page_id)

    def _render(self, page_id: str) -> None:
        """Raises Unavailable, and what boto3 raises."""
        for _ in range(TRIES):
            try:
                self.rendering.page(page_id, Deadline.after(PATIENCE_SECONDS))
            except Overtaken as other:
                # By one that may have read the table before what ours was asked for.
                logger.info("status page was rendered by another", page_id=page_id, key=str(other))
            else:
                return


@cache
def worker() -> Worker:
    settings = read_settings(PublishingSettings)
    s3 = aws.client("s3", S3_CONFIG)
    bucket = Bucket(s3, settings.pages_bucket)
    table = clients.table(Table)
    hold = HoldMemory(table, clock.now)
    rendering = Rendering(table, bucket, settings.status_url, clock.now, hold)
    return Worker(rendering, Renders(clients.sns(), settings.renders_arn))


def on_event(event: Mapping[str, Any], _context: object) -> None:
    """Whichever of the two it is: a function has one entry point."""
    if "Records" in event:
        worker().render(asked(event["Records"]))
    else:
        worker().tick()


def asked(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The pages that the messages ask for."""
    found: list[str] = []
    for record in records:
        try:
            fields = json.loads(record["Sns"]["Message"])
        except (KeyError, ValueError):
            fields = None
        match fields:
            case {"pages": [*page_ids]}:
                found += [each for each in page_ids if isinstance(each, str)]
            case _:
                logger.error("unknown message")
    return found
