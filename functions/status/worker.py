"""Woken by the queue of pages to render, one page at a time, and by a schedule every minute, which
asks for all of them. Whatever is wrong with one page harms no other, and no message comes back: the
next minute asks again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

import boto3

from opsknight.config.configuration import PREFIX, Kind
from opsknight.directory.receivers import StatusPage
from opsknight.runtime import clients, clock
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.renders import Renders
from opsknight.runtime.settings import PublishingSettings, read_settings
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.table import Table
from status.bucket import S3_CONFIG, Bucket, Overtaken
from status.rendering import Rendering

PATIENCE_SECONDS: Final = 20
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
        for page_id in sorted(wanted):
            self.renders.ask(page_id, f"{now:%Y%m%d%H%M}")

    def render(self, page_ids: Iterable[str]) -> None:
        """Raises nothing."""
        for page_id in dict.fromkeys(page_ids):
            try:
                self.rendering.page(page_id, Deadline.after(PATIENCE_SECONDS))
            except Overtaken as other:
                logger.info("status page was rendered by another", page_id=page_id, key=str(other))
            except Unavailable:
                signal("StoreUnavailable")
                logger.exception("status page left to the next minute", page_id=page_id)
            # One page that cannot be rendered keeps no other from it.
            except Exception:
                signal("Failures")
                logger.exception("status page was not rendered", page_id=page_id)


@cache
def worker() -> Worker:
    settings = read_settings(PublishingSettings)
    s3 = boto3.client("s3", config=S3_CONFIG)
    bucket = Bucket(s3, settings.pages_bucket)
    table = clients.table(Table)
    hold = HoldMemory(table, clock.now)
    rendering = Rendering(table, bucket, settings.status_url, clock.now, hold)
    return Worker(rendering, Renders(clients.sqs(), settings.renders_url))


def on_event(event: Mapping[str, Any], _context: object) -> None:
    """Whichever of the two it is: a function has one entry point."""
    if "Records" in event:
        worker().render(asked(event["Records"]))
    else:
        worker().tick()


def asked(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The pages that the messages ask for."""
    found = []
    for record in records:
        try:
            fields = json.loads(record["body"])
        except ValueError:
            fields = None
        match fields:
            case {"page": str(page_id)}:
                found.append(page_id)
            case _:
                logger.error("unknown queue message")
    return found
