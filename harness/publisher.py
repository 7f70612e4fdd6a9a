"""Public status pages on the tables of a world: the worker that renders them into a bucket of
MiniStack's S3 in this process, and the function that serves them.
"""

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from gzip import decompress
from secrets import token_hex
from typing import Any

from harness import embedded
from harness.post import RENDERS, Post
from harness.world import World, deadline, http_event
from opsknight.directory.status_pages import PublicPage, StatusPage
from opsknight.http.gateway import respond
from opsknight.incident.model import OPSKNIGHT
from opsknight.publishing.posts import Phase, State, Update, opened
from opsknight.publishing.posts import Post as StatusPost
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.renders import Renders
from opsknight.store.directory_items import directory_item
from opsknight.store.posts import Posts
from status.bucket import S3_CONFIG, Bucket
from status.handler import Pages
from status.rendering import Rendering
from status.worker import Worker

BASE = "https://status.example.com"


@dataclass(frozen=True)
class Served:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Publisher:
    world: World
    page_id: str = "page_example"
    bucket_name: str = field(default_factory=lambda: f"pages-{token_hex(4)}")
    post: Post = field(init=False)
    bucket: Bucket = field(init=False)
    seconds: float = 0
    """Of the stopwatch of the function that serves."""

    def __post_init__(self) -> None:
        self.post = Post(self.world.clock)
        s3 = embedded.client("s3", self.world.table.client.meta.endpoint_url, S3_CONFIG)
        self.bucket = Bucket(s3, self.bucket_name)
        s3.create_bucket(Bucket=self.bucket.name)
        self.worker = self.new_worker()
        self.pages = self.new_pages()

    def new_worker(self) -> Worker:
        table, clock = self.world.table, self.world.clock
        rendering = Rendering(table, self.bucket, BASE, clock, HoldMemory(table, clock))
        return Worker(rendering, Renders(self.post.sns(), RENDERS))

    def new_pages(self) -> Pages:
        return Pages(self.bucket, self.world.clock, lambda: self.seconds)

    def publish(
        self, name: str = "Example", services: Iterable[str] = (), **public: Any
    ) -> StatusPage:
        """Applies a page that lists these services, or the world's own."""
        page = StatusPage(
            id=self.page_id,
            name=name,
            service_ids=tuple(services) or (self.world.service.id,),
            public=PublicPage(**public),
        )
        self.world.table.put_all([directory_item(page)], deadline())
        return page

    def say(
        self,
        title: str = "Payments fail for some",
        states: dict[str, State] | None = None,
        text: str = "We are looking into it.",
        **more: Any,
    ) -> StatusPost:
        """Somebody posts."""
        now: datetime = self.world.clock()
        known: dict[str, Any] = {
            "id": f"post_{int(now.timestamp() * 1000):012x}{token_hex(8)}",
            "page_id": self.page_id,
            "title": title,
            "phase": Phase.INVESTIGATING,
            "starts_at": now,
            "updates": (Update(at=now, text=text, phase=Phase.INVESTIGATING),),
            "by": OPSKNIGHT,
            "changed_at": now,
        }
        post = opened(
            StatusPost(**(known | more)), states or {self.world.service.id: State.DEGRADED}
        )
        Posts(self.world.table).add(post, deadline())
        return post

    def render(self) -> None:
        self.worker.render([self.page_id])

    def objects(self) -> dict[str, str]:
        """Everything that is published, by its key."""
        found = self.bucket.s3.list_objects_v2(Bucket=self.bucket.name).get("Contents", [])
        keys = [each["Key"] for each in found]
        read = {key: self.bucket.read(key) for key in keys}
        return {key: it.content.decode() for key, it in read.items() if it is not None}

    def get(self, path: str = "/status/example", method: str = "GET", **headers: str) -> Served:
        """As API Gateway asks the function that serves."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        event = http_event("", method=method, path=path, headers=named)
        answer = respond(event, lambda: self.pages)
        body = answer["body"]
        if answer.get("isBase64Encoded"):
            raw = b64decode(body)
            zipped = answer["headers"].get("Content-Encoding") == "gzip"
            body = (decompress(raw) if zipped else raw).decode()
        return Served(answer["statusCode"], answer["headers"], body)
