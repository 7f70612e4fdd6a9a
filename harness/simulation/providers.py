"""Providers with an API of their own: Pushover, which rings until it is told to stop, and Telegram,
whose messages can be changed.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from harness.simulation import twilio
from harness.simulation.file import SECRETS
from harness.simulation.functions import Process
from harness.simulation.journal import Heard
from harness.simulation.receivers import Receivers
from harness.simulation.weather import Mood
from harness.simulation.web import Reply, Server

PUSHOVER: Final = "api.pushover.net"
TELEGRAM: Final = "api.telegram.org"
EMERGENCY: Final = 2
_STATUS: Final = {Mood.REFUSES: 400, Mood.FAILS: 503}
_MARKUP: Final = re.compile(r"<[^>]+>")
_CANCEL: Final = re.compile(r"/1/receipts/cancel_by_tag/([\w.:~-]+)\.json")


def parameters() -> dict[str, str]:
    """What operators keep in SSM for them."""
    names = SECRETS.items()
    return {f"/opsknight/opsknight/secrets/{name}": f"{channel}:1" for channel, name in names}


@dataclass(frozen=True)
class Pushover:
    """https://pushover.net/api, as far as an emergency goes."""

    receivers: Receivers
    process: Process

    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
        self.process.strike()
        said = json.loads(body)
        if cancelled := _CANCEL.fullmatch(path):
            mood = self.receivers.call_off(self.process, cancelled[1], timeout)
        else:
            text = " | ".join(said[each] for each in ("title", "message", "url") if each in said)

            def made(heard: Heard) -> None:
                if said["priority"] == EMERGENCY:
                    heard.rings_until = heard.at + said["expire"]

            tag = said.get("tags", "")
            mood = self.receivers.take(self.process, said["user"], text, tag, timeout, made=made)
        self.process.strike()
        status = _STATUS.get(mood, 200)
        return Reply(status, {}, _answer({"status": int(status == 200), "request": "r1"}))


@dataclass(frozen=True)
class Telegram:
    """https://core.telegram.org/bots/api#sendmessage, and editMessageText."""

    receivers: Receivers
    process: Process

    def post(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
        self.process.strike()
        said = json.loads(body)
        to, text = str(said["chat_id"]), unescape(_MARKUP.sub("", said["text"]))
        self.receivers.asked[to] += 1
        if to in self.receivers.moved:
            gone = {"migrate_to_chat_id": int(self.receivers.moved[to])}
            return Reply(400, {}, _answer({"ok": False, "error_code": 400, "parameters": gone}))
        rows = said.get("reply_markup", {}).get("inline_keyboard", [])
        text += "".join(f" {button['url']}" for row in rows for button in row)
        first = self._edited(to, said) if path.endswith("/editMessageText") else None
        taken: list[Heard] = []

        def made(heard: Heard) -> None:
            heard.edits = first
            taken.append(heard)

        mood = self.receivers.take(self.process, to, text, "", timeout, made=made)
        self.process.strike()
        if not taken or mood is not Mood.WORKS:
            said = {"ok": False, "description": "not now"}
            return Reply(_STATUS.get(mood, 200), {}, _answer(said))
        number = self._mine(to).index(first or taken[0]) + 1
        return Reply(200, {}, _answer({"ok": True, "result": {"message_id": number}}))

    def _mine(self, to: str) -> list[Heard]:
        """Numbers count the messages of a chat."""
        heard = self.receivers.journal.heard
        return [each for each in heard if each.to == to and each.edits is None]

    def _edited(self, to: str, said: Mapping[str, Any]) -> Heard:
        number: int = said["message_id"]
        return self._mine(to)[number - 1]


SERVERS: Final[Mapping[str, Callable[[Receivers, Process], Server]]] = {
    PUSHOVER: Pushover,
    TELEGRAM: Telegram,
    twilio.HOST: twilio.Twilio,
}
"""By host."""


def _answer(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said).encode()
