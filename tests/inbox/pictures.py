"""Pictures of the messages in a running inbox, each as wide as a phone, for the documents.

`python -m tests.inbox.pictures docs/images/messages.png latency --height 2560` lays the newest
message of each channel, whose title has that word, side by side; of several words, one after the
other. It needs Debian's chromium, and fonts for what the titles are written in, such as
`fonts-noto-color-emoji`.

`--send`, in a shell that has the settings of `.local/opsknight.env`, first applies `pictures.yaml`
to what `make run` has deployed, and opens an incident that every channel tells.
"""

import json
import os
import re
import subprocess
import tempfile
import time
from argparse import ArgumentParser
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3

from local.deployment import STACK
from local.ministack import REGION
from opsknight.directory.secret_names import own_prefix

CONFIGURATION = Path(__file__).with_name("pictures.yaml")
TITLE = "Checkout: p99 latency above 4 s for 10 minutes in eu-central-1"
# Of the forms that the channels ask for, and worth nothing.
HOOKS = {
    "discord-hook": "https://discord.com/api/webhooks/1/abcdef",
    "teams-hook": "https://prod-01.westeurope.logic.azure.com/workflows/1/triggers/manual/paths/invoke",
    "google-chat-hook": "https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t",
    "telegram-token": f"123456789:{'A' * 35}",
}
PATIENCE = 120.0
"""Seconds until every channel has told it."""
PHONE = 390
"""Width of a phone, in CSS pixels."""
ACROSS = 4
LOCK = 60
"""Characters that a lock screen shows."""
SHEET = Path(__file__).parents[2] / "inbox/page/inbox.css"
STYLE = """
html, body { display: block; height: auto; overflow: visible; }
body { margin: 0; padding: 20px; background: #e9ebee; width: max-content; }
.sheet { columns: %(across)d; column-width: %(phone)dpx; column-gap: 20px; width: %(width)dpx; }
.one { break-inside: avoid; width: %(phone)dpx; margin: 0 0 20px; overflow: hidden; }
.one h2 { font: 600 13px/1.6 system-ui, sans-serif; color: #4b5563; margin: 0 0 2px; }
.locked { font: 13px/1.4 system-ui, sans-serif; background: #1c2128; color: #fff; padding: 8px 12px;
border-radius: 10px; margin: 0 0 6px; }
.locked b { color: #9aa4b2; font-weight: 400; display: block; font-size: 11px; }
.one iframe { width: 100%%; height: 640px; border: 0; background: #fff; border-radius: 8px; }
.one .look-head, .one .raw, .one .mail-head, .one .mail-tabs, .one details { display: none; }
.one .stage { padding: 0; margin: 0; background: none; }
"""


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("words", nargs="+")
    parser.add_argument("--inbox", default="http://127.0.0.1:8025")
    parser.add_argument("--only", default="", help="channels, with commas between them")
    parser.add_argument("--height", default="3200")
    parser.add_argument("--send", action="store_true", help="apply pictures.yaml and open it")
    given = parser.parse_args()
    inbox, target = given.inbox, given.target
    if given.send:
        _send(inbox)
    listed = json.loads(_get(f"{inbox}/_messages?after=0"))["messages"]
    found: list[Any] = []
    for word in given.words:
        newest: dict[tuple[str, bool], Any] = {}
        for each in listed:
            wanted = not given.only or each["channel"] in given.only.split(",")
            told = word.lower() in each["title"].lower() and "Acknowledged" not in each["title"]
            if wanted and told and each["status"] in (200, 201, 202, 204):
                newest[each["channel"], each["to"].startswith(("U", "1"))] = each
        found += sorted(newest.values(), key=lambda each: each["channel"])
    style = STYLE % {"across": ACROSS, "phone": PHONE, "width": ACROSS * (PHONE + 20)}
    page = (
        f"<!doctype html><meta charset=utf-8><style>{SHEET.read_text()}</style>"
        f"<style>{style}</style><div class=sheet>{''.join(_drawn(inbox, each) for each in found)}"
    )
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "sheet.html"
        written.write_text(page)
        width = ACROSS * (PHONE + 20) + 40
        options = [
            f"--window-size={width},{given.height}",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
        ]
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", *options]
        command += [f"--screenshot={target.resolve()}", written.as_uri()]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)


def _send(inbox: str) -> None:
    ssm = boto3.client(
        "ssm",
        endpoint_url=os.environ["OPSKNIGHT_AWS_ENDPOINT"],
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    for name, value in HOOKS.items():
        ssm.put_parameter(
            Name=own_prefix(STACK) + name, Value=value, Type="SecureString", Overwrite=True
        )
    _opsknight("apply", str(CONFIGURATION), "--yes")
    made = _opsknight("keys", "create", "--service", "checkout", "--integration", "prometheus")
    key = json.loads(made)["secret"]
    details = {
        "region": "eu-central-1",
        "dashboard": "https://grafana.example.com/d/checkout?from=now-1h",
    }
    payload = {"summary": TITLE, "source": "Prometheus", "severity": "critical"}
    body = {
        "event_action": "trigger",
        "dedup_key": "pictures",
        "payload": payload | {"custom_details": details},
    }
    request = Request(  # noqa: S310 - a machine's own deployment
        f"{os.environ['OPSKNIGHT_URL']}/api/events",
        json.dumps(body).encode(),
        {"Authorization": f"Token token={key}", "Content-Type": "application/json"},
    )
    urlopen(request).close()  # noqa: S310
    channels = len(re.findall("channel: ", CONFIGURATION.read_text()))
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        listed = json.loads(_get(f"{inbox}/_messages?after=0"))["messages"]
        if len([each for each in listed if TITLE[:20] in each["title"]]) >= channels:
            return
        time.sleep(1)
    raise SystemExit(f"Not every channel has told it within {PATIENCE:.0f} s.")


def _opsknight(*words: str) -> str:
    done = subprocess.run(
        ["opsknight", *words, "--json"], check=True, capture_output=True, text=True
    )
    return done.stdout


def _drawn(inbox: str, message: Any) -> str:
    look = _get(f"{inbox}/_messages/{message['number']}/look")
    if message["channel"] == "email":
        mail = _get(f"{inbox}/_messages/{message['number']}/mail")
        look = f'<iframe srcdoc="{escape(mail)}"></iframe>'
    look = re.sub(r"<time([^>]*)>([^<]+)", _spoken, look)
    name = message["channel"].replace("_", " ")
    lock = f"<div class=locked><b>lock screen</b>{escape(message['title'][:LOCK])}</div>"
    return f"<section class=one><h2>{name}</h2>{lock}{look}</section>"


def _spoken(found: re.Match[str]) -> str:
    """As the page's own script says it."""
    at = datetime.fromisoformat(found[2])
    kind = re.search(r'class="(\w+)', found[1])
    match kind and kind[1]:
        case "clock":
            said = f"{at:%H:%M}"
        case "day":
            said = f"{at:%d/%m/%Y}"
        case "since":
            said = "1 minute ago"
        case _:
            said = f"{at:%d/%m/%Y, %H:%M}"
    return f"<time{found[1]}>{said}"


def _get(url: str) -> str:
    with urlopen(url) as answer:  # noqa: S310 - a machine's own inbox
        return str(answer.read().decode())


if __name__ == "__main__":
    main()
