"""Phones, mailboxes and servers of people and teams: what they take, and how they answer."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ReadTimeoutError

from harness.simulation.functions import Process
from harness.simulation.hub import Hub
from harness.simulation.journal import Heard, Journal
from harness.simulation.weather import Mood, Outage, Weather
from harness.simulation.web import Reply
from harness.simulation.writes import failure

# The number that text messages come from.
OURS: Final = "+4915700000000"
_LINK: Final = re.compile(r"https://oncall\.example\.com(/r/[0-9A-Za-z_-]+)")


@dataclass(repr=False)
class Receivers:
    hub: Hub
    weather: Weather
    journal: Journal
    outages: list[Outage] = field(default_factory=list[Outage])
    on_heard: Callable[[Heard], None] = lambda _: None
    moved: dict[str, str] = field(default_factory=dict[str, str])
    """Where chats of Telegram are that have another id by now."""
    asked: Counter[str] = field(default_factory=Counter[str])
    """How often each chat was asked to take a message."""

    def mood(self, to: str) -> Mood:
        for outage in self.outages:
            if outage.to == to and outage.since <= self.hub.now < outage.until:
                if outage.mood is not Mood.FLAKY:
                    return outage.mood
                return Mood.FAILS if self.hub.chance.random() < 0.5 else Mood.WORKS
        if self.weather.silent and self.hub.chance.random() < self.weather.silent:
            return Mood.SILENT
        return Mood.WORKS

    def take(
        self,
        process: Process,
        to: str,
        text: str,
        delivery: str,
        timeout: float,
        *,
        made: Callable[[Heard], object] = lambda _: None,
    ) -> Mood:
        """How the receiver answers, after the time that it takes. `made` is called with what it
        took. Raises TimeoutError.
        """
        mood = self.mood(to)
        began, within = self.hub.now, self.hub.chance.uniform(*self.weather.provider)
        self.hub.sleep(within)
        if mood in (Mood.WORKS, Mood.SILENT):
            links = tuple(dict.fromkeys(_LINK.findall(text)))
            heard = Heard(self.hub.now, to, text, delivery, mood is Mood.WORKS, links)
            heard.began, heard.over = began, self.hub.now
            if mood is Mood.SILENT:
                heard.over = began + timeout
            made(heard)
            self.journal.heard.append(heard)
            process.told.append(heard)
            self.on_heard(heard)
            how = "sees added" if heard.edits else "hears"
            self.journal.note(self.hub.now, f"{to} {how}: {text[:90]!r}")
        if mood in (Mood.HANGS, Mood.SILENT):
            self.hub.sleep(max(0.0, timeout - within))
            raise TimeoutError
        return mood

    def call_off(self, process: Process, delivery: str, timeout: float) -> Mood:
        """A provider is to stop what rings by this name. Raises TimeoutError."""
        mine = [each for each in self.journal.heard if each.delivery == delivery]
        ringing = [each for each in mine if each.rings_until]
        mood = self.mood(ringing[0].to) if ringing else Mood.WORKS
        within = self.hub.chance.uniform(*self.weather.provider)
        self.hub.sleep(within)
        if mood in (Mood.WORKS, Mood.SILENT):
            for each in ringing:
                each.called_off.append(self.hub.now)
            self.journal.note(self.hub.now, f"{delivery} is called off")
        if mood in (Mood.HANGS, Mood.SILENT):
            self.hub.sleep(max(0.0, timeout - within))
            raise TimeoutError
        return mood


@dataclass(frozen=True)
class Phone:
    """AWS End User Messaging."""

    receivers: Receivers
    process: Process
    timeout: float

    def send_text_message(self, **asked: Any) -> dict[str, Any]:
        to, text = asked["DestinationPhoneNumber"], asked["MessageBody"]
        return _amazon(self.receivers, self.process, to, text, asked["Context"], self.timeout)

    def get_paginator(self, operation: str) -> SimpleNamespace:
        """One number of the account takes replies."""
        assert operation == "describe_phone_numbers"
        number = {"PhoneNumber": OURS, "TwoWayEnabled": True, "TwoWayChannelArn": "InboundTexts"}
        return SimpleNamespace(paginate=lambda: [{"PhoneNumbers": [number]}])

    def send_voice_message(self, **asked: Any) -> dict[str, Any]:
        to, text = asked["DestinationPhoneNumber"], asked["MessageBody"]
        return _amazon(self.receivers, self.process, to, text, asked["Context"], self.timeout)


@dataclass(frozen=True)
class Mail:
    """SES."""

    receivers: Receivers
    process: Process
    timeout: float

    def send_email(self, **asked: Any) -> dict[str, Any]:
        simple = asked["Content"]["Simple"]
        [to] = asked["Destination"]["ToAddresses"]
        text = f"{simple['Subject']['Data']}\n{simple['Body']['Text']['Data']}"
        tags = {each["Name"]: each["Value"] for each in asked["EmailTags"]}
        return _amazon(self.receivers, self.process, to, text, tags, self.timeout)


def _amazon(
    receivers: Receivers,
    process: Process,
    to: str,
    text: str,
    context: Mapping[str, str],
    timeout: float,
) -> dict[str, Any]:
    process.strike()
    try:
        mood = receivers.take(process, to, text, context["delivery"], timeout)
    except TimeoutError:
        raise ReadTimeoutError(endpoint_url="https://provider.invalid") from None
    process.strike()
    match mood:
        case Mood.REFUSES:
            raise failure("ValidationException")
        case Mood.FAILS:
            raise failure("InternalServerException")
        case _:
            return {"MessageId": process.token(8)}


@dataclass(frozen=True)
class Website:
    """A server that is posted JSON."""

    receivers: Receivers
    process: Process
    host: str

    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
        self.process.strike()
        said = json.loads(body) if body else {}
        if "event_action" in said:
            return self._passed(said, timeout)
        incidents = said.get("incidents") or [said[each] for each in ("incident",) if each in said]
        words = [said.get("event", ""), said.get("note", ""), *(it["title"] for it in incidents)]
        text = " | ".join(str(each) for each in words if each)
        text += "".join(f" {each['link']}" for each in incidents if each.get("link"))
        delivery = headers.get("X-OpsKnight-Delivery", "")
        mood = self.receivers.take(self.process, self.host, text, delivery, timeout)
        self.process.strike()
        return Reply({Mood.REFUSES: 400, Mood.FAILS: 503}.get(mood, 200))

    def _passed(self, said: Mapping[str, Any], timeout: float) -> Reply:
        """An event as its monitor sent it, from a mirror."""
        words = (said["event_action"], said["dedup_key"], said["payload"]["summary"])
        mood = self.receivers.take(self.process, self.host, " | ".join(words), "", timeout)
        self.process.strike()
        return Reply({Mood.REFUSES: 400, Mood.FAILS: 503}.get(mood, 200))
