"""Nights in which another system hears of events: real HTTP to a receiver on this machine."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from harness.pipeline import Pipeline
from harness.processes import mirroring
from harness.receivers import HttpReceiver
from notify.handler import pass_on
from notify.mirroring import Mirroring
from notify.secrets import Secrets
from opsknight.directory.mirror import Mirror
from opsknight.directory.secret_names import own_prefix
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.runtime.wakeups import PassOn

KEY = "the-old-key"


class Parameters:
    """A client of SSM in which every parameter has the old system's key."""

    def get_parameter(self, **asked: Any) -> dict[str, Any]:
        return {"Parameter": {"Name": asked["Name"], "Value": KEY}}


@dataclass
class Mirrored(Pipeline):
    passing: Mirroring = field(init=False)
    _heard: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Pipeline.__post_init__(self)
        reader = SecretReader(Parameters())  # type: ignore[arg-type]
        secrets = Secrets(reader, self.world.clock, own_prefix("opsknight"))
        self.passing = mirroring(self.world, self.post, secrets)

    def mirrors(self, old: HttpReceiver, to: str = "pagerduty", **more: Any) -> Self:
        """The service passes its events on to the receiver."""
        known = {"to": to, "url": old.url, "secret": "old"} | more
        self.serves(mirror=Mirror.model_validate(known).model_dump())
        return self

    def heard(self, old: HttpReceiver) -> list[dict[str, Any]]:
        """The bodies that came since the last call."""
        first = self._heard.get(old.url, 0)
        new = old.requests[first:]
        self._heard[old.url] = first + len(new)
        return [json.loads(each.body) for each in new]

    def _deliver(self) -> bool:
        now, queued = self.world.clock(), self.post.queued
        found = [it for it in queued if it.at <= now and isinstance(it.message, PassOn)]
        if not found:
            return Pipeline._deliver(self)
        first = min(found, key=lambda each: each.at)
        queued.remove(first)
        if first.queue not in self.down and isinstance(first.message, PassOn):
            pass_on(self.passing, first.message.service_id)
        return True


def actions(heard: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["event_action"], each["dedup_key"]) for each in heard]
