"""A realistic message of each kind, as a channel sends it.

`python -m tests.inbox.samples http://127.0.0.1:8025` fills a running inbox with them, to look at.
"""

import hmac
import sys
from hashlib import sha256
from typing import Any, Literal

import boto3
import requests
from botocore.config import Config

LINK = "http://127.0.0.1:8080/a/ASNFZ4mrze8BI0VniavN7wEjRWeJq83vZWZ5AAAAAAAAAAAAAAAAAAAAAAAAAAA"
TITLE = "Checkout: error rate above 5 % for 3 minutes"
SECRET = "whsec_of_the_tests"
PUSHOVER_TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
PUSHOVER_USER = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"

MAIL_HTML = f"""<!doctype html><html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><style>
body {{ margin: 0; background: #f2f3f5; font: 15px/1.5 Helvetica, Arial, sans-serif;
color: #1c2128 }}
.card {{ max-width: 560px; margin: 24px auto; background: #fff; border-top: 5px solid #d92d20;
border-radius: 8px; padding: 22px 26px }} h1 {{ font-size: 20px; line-height: 1.3 }}
td {{ padding: 3px 18px 3px 0; vertical-align: top }} .k {{ color: #667 }}
.b {{ display: inline-block; background: #1c5fd4; color: #fff; padding: 10px 22px;
border-radius: 6px;
text-decoration: none; font-weight: bold; margin: 14px 8px 4px 0 }} pre {{ background: #f2f3f5;
padding: 10px; border-radius: 6px; overflow-x: auto }}</style></head><body><div class="card">
<div style="color:#d92d20;font-weight:bold">HIGH &middot; OPEN</div><h1>{TITLE}</h1><table>
<tr><td class="k">Service</td><td>shop-api</td></tr><tr><td class="k">Since</td>
<td>25 Nov 2026, 04:12 UTC</td></tr><tr><td class="k">Alerts</td><td>3</td></tr></table>
<a class="b" href="{LINK}">Acknowledge or resolve</a><pre>{{"rate": 7.2, "region": "eu-central-1",
 "dashboard": "https://grafana.example.com/d/checkout"}}</pre></div></body></html>"""

MAIL_TEXT = f"""HIGH, open: {TITLE}

Service  shop-api
Since    25 Nov 2026, 04:12 UTC
Alerts   3

Acknowledge or resolve: {LINK}
"""


def amazon(service: Literal["sesv2", "pinpoint-sms-voice-v2"], url: str) -> Any:
    """A client like those of the functions, with the inbox as its endpoint."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def email(to: str = "ada@example.com", **changes: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": '"OpsKnight" <oncall@example.com>',
        "Destination": {"ToAddresses": [to]},
        "Content": {
            "Simple": {
                "Subject": {"Data": f"[HIGH] {TITLE}", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": MAIL_TEXT}, "Html": {"Data": MAIL_HTML}},
                "Headers": [
                    {"Name": "References", "Value": "<inc_01a2065d7cb5@opsknight.example.com>"},
                    {"Name": "X-OpsKnight-Delivery", "Value": "d01a2065d7cb5"},
                ],
            }
        },
    } | changes


def sms(**changes: Any) -> dict[str, Any]:
    return {
        "DestinationPhoneNumber": "+4915112345678",
        "OriginationIdentity": "OpsKnight",
        "MessageType": "TRANSACTIONAL",
        "MessageBody": f"HIGH shop-api: {TITLE}. Since 04:12 UTC. {LINK}",
    } | changes


def voice(**changes: Any) -> dict[str, Any]:
    return {
        "DestinationPhoneNumber": "+4915112345678",
        "OriginationIdentity": "+18005550123",
        "MessageBodyTextType": "SSML",
        "VoiceId": "JOANNA",
        "MessageBody": '<speak>This is OpsKnight.<break time="500ms"/> High urgency incident on'
        " shop A P I. Checkout: error rate above 5 percent for 3 minutes."
        '<break time="1s"/> Open the message on your phone to acknowledge.</speak>',
    } | changes


def slack(**changes: Any) -> dict[str, Any]:
    return {
        "channel": "C024BE91L",
        "text": f"HIGH: {TITLE}",
        "attachments": [
            {
                "color": "#d92d20",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": TITLE}},
                    {
                        "type": "section",
                        "fields": [
                            {"type": "mrkdwn", "text": "*Service*\nshop-api"},
                            {"type": "mrkdwn", "text": "*Urgency*\n:red_circle: HIGH"},
                            {"type": "mrkdwn", "text": "*Status*\nOpen"},
                            {"type": "mrkdwn", "text": "*Alerts*\n3"},
                        ],
                    },
                    {
                        "type": "section",
                        "text": {
                            "type": "mrkdwn",
                            "text": "```rate   7.2\nregion eu-central-1```"
                            "See <https://grafana.example.com/d/checkout|the dashboard>"
                            " &amp; _runbook 12_.",
                        },
                    },
                    {
                        "type": "actions",
                        "elements": [
                            {
                                "type": "button",
                                "text": {"type": "plain_text", "text": "Acknowledge"},
                                "style": "primary",
                                "action_id": "acknowledge",
                                "value": "inc_01a2065d7cb5",
                            },
                            {
                                "type": "button",
                                "text": {"type": "plain_text", "text": "Resolve"},
                                "action_id": "resolve",
                                "value": "inc_01a2065d7cb5",
                            },
                            {
                                "type": "button",
                                "text": {"type": "plain_text", "text": "Open"},
                                "url": LINK,
                                "action_id": "open",
                            },
                        ],
                    },
                    {
                        "type": "context",
                        "elements": [
                            {"type": "mrkdwn", "text": "Since 04:12 UTC"},
                            {"type": "mrkdwn", "text": "from *grafana*"},
                        ],
                    },
                ],
            }
        ],
    } | changes


def teams() -> dict[str, Any]:
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        {
                            "type": "Container",
                            "style": "attention",
                            "items": [
                                {"type": "TextBlock", "text": "HIGH · Open", "weight": "Bolder"}
                            ],
                        },
                        {
                            "type": "TextBlock",
                            "text": TITLE,
                            "size": "Large",
                            "weight": "Bolder",
                            "wrap": True,
                        },
                        {
                            "type": "FactSet",
                            "facts": [
                                {"title": "Service", "value": "shop-api"},
                                {"title": "Since", "value": "04:12 UTC"},
                                {"title": "Alerts", "value": "**3**"},
                            ],
                        },
                    ],
                    "actions": [
                        {
                            "type": "Action.OpenUrl",
                            "title": "Acknowledge or resolve",
                            "url": LINK,
                            "style": "positive",
                        }
                    ],
                },
            }
        ],
    }


def discord(**embed: Any) -> dict[str, Any]:
    return {
        "username": "OpsKnight",
        "embeds": [
            {
                "title": TITLE,
                "url": LINK,
                "description": "Error budget gone in **40 minutes**. `POST /checkout` answers 502.",
                "color": 0xD92D20,
                "fields": [
                    {"name": "Service", "value": "shop-api", "inline": True},
                    {"name": "Urgency", "value": "HIGH", "inline": True},
                    {"name": "Alerts", "value": "3", "inline": True},
                ],
                "footer": {"text": "inc_01a2065d7cb5"},
                "timestamp": "2026-11-25T04:12:00Z",
            }
            | embed
        ],
    }


def google_chat() -> dict[str, Any]:
    return {
        "text": f"*HIGH* {TITLE}",
        "cardsV2": [
            {
                "cardId": "incident",
                "card": {
                    "header": {"title": TITLE, "subtitle": "shop-api · Open"},
                    "sections": [
                        {
                            "widgets": [
                                {
                                    "decoratedText": {
                                        "topLabel": "Urgency",
                                        "text": '<font color="#d92d20"><b>HIGH</b></font>',
                                    }
                                },
                                {"decoratedText": {"topLabel": "Since", "text": "04:12 UTC"}},
                                {"textParagraph": {"text": "3 alerts from <i>grafana</i>"}},
                            ]
                        },
                        {
                            "widgets": [
                                {
                                    "buttonList": {
                                        "buttons": [
                                            {
                                                "text": "Acknowledge or resolve",
                                                "onClick": {"openLink": {"url": LINK}},
                                            }
                                        ]
                                    }
                                }
                            ]
                        },
                    ],
                },
            }
        ],
    }


def telegram(**changes: Any) -> dict[str, Any]:
    return {
        "chat_id": -1001234567890,
        "parse_mode": "HTML",
        "text": f"🔴 <b>HIGH</b> shop-api\n<b>{TITLE}</b>\n\nSince 04:12 UTC, 3 alerts\n"
        '<a href="https://grafana.example.com/d/checkout">dashboard</a>',
        "reply_markup": {"inline_keyboard": [[{"text": "Acknowledge or resolve", "url": LINK}]]},
    } | changes


def ntfy(**changes: Any) -> dict[str, Any]:
    return {
        "topic": "shop-oncall",
        "title": TITLE,
        "message": "HIGH on shop-api since 04:12 UTC, 3 alerts.",
        "priority": 5,
        "tags": ["rotating_light", "shop-api"],
        "click": LINK,
        "actions": [{"action": "view", "label": "Acknowledge or resolve", "url": LINK}],
    } | changes


def pushover(**changes: Any) -> dict[str, Any]:
    return {
        "token": PUSHOVER_TOKEN,
        "user": PUSHOVER_USER,
        "title": TITLE,
        "message": "HIGH on shop-api since 04:12 UTC, 3 alerts.",
        "priority": 2,
        "retry": 60,
        "expire": 3600,
        "url": LINK,
        "url_title": "Acknowledge or resolve",
    } | changes


WEBHOOK = (
    b'{"event":"incident.created","sequence":1,"incident":{"id":"inc_01a2065d7cb5","title":'
    b'"Checkout: error rate above 5 % for 3 minutes","status":"OPEN","urgency":"HIGH","service":'
    b'{"id":"svc_shop-api","name":"shop-api"},"createdAt":"2026-11-25T04:12:00Z","alerts":3,'
    b'"assignee":null}}'
)


def signed(body: bytes = WEBHOOK, secret: str = SECRET) -> dict[str, str]:
    """The headers of a signed webhook."""
    timestamp = "1795579920"
    mac = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, sha256).hex()
    return {
        "Content-Type": "application/json",
        "X-OpsKnight-Event": "incident.created",
        "X-OpsKnight-Delivery": "d01a2065d7cb5",
        "X-OpsKnight-Timestamp": timestamp,
        "X-OpsKnight-Signature": f"sha256={mac}",
    }


def bundle() -> list[dict[str, Any]]:
    """Blocks about several incidents at once."""
    lines = "\n".join(
        f":red_circle: <{LINK}|{name}> since 04:{minute:02} UTC"
        for minute, name in enumerate(["Checkout errors", "Payment timeouts", "Cart is slow"])
    )
    return [
        {"type": "header", "text": {"type": "plain_text", "text": "14 incidents on 3 services"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": lines}},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{LINK}|All 14>"}]},
    ]


def fill(url: str) -> None:
    """Sends one message of each kind."""
    sender = requests.Session()
    bot = {"Authorization": "Bearer xoxb-local"}
    sender.post(
        f"{url}/_control", json={"path": "/webhook/status", "secrets": [SECRET]}, timeout=5
    ).raise_for_status()
    mail = amazon("sesv2", url)
    phone = amazon("pinpoint-sms-voice-v2", url)
    mail.send_email(**email())
    phone.send_text_message(**sms())
    phone.send_voice_message(**voice())
    posted = sender.post(f"{url}/slack/api/chat.postMessage", json=slack(), headers=bot, timeout=5)
    sender.post(f"{url}/teams/workflow/abcdef", json=teams(), timeout=5)
    sender.post(f"{url}/discord/api/webhooks/1/abcdef", json=discord(), timeout=5)
    sender.post(f"{url}/google-chat/v1/spaces/AAA/messages", json=google_chat(), timeout=5)
    sender.post(f"{url}/telegram/bot1234567:local-token/sendMessage", json=telegram(), timeout=5)
    sender.post(f"{url}/ntfy", json=ntfy(), timeout=5)
    sender.post(f"{url}/pushover/1/messages.json", data=pushover(), timeout=5)
    sender.post(f"{url}/webhook/status", data=WEBHOOK, headers=signed(), timeout=5)
    many = {"text": "14 incidents on 3 services", "blocks": bundle()}
    sender.post(f"{url}/slack/services/T0/B0/abcdef", json=many, timeout=5)
    phone.send_text_message(**sms(MessageBody=f"14 incidents on 3 services, worst: {TITLE} {LINK}"))
    control = {"path": "/webhook/pager", "answers": [{"status": 503}]}
    sender.post(f"{url}/_control", json=control, timeout=5)
    sender.post(f"{url}/webhook/pager", data=WEBHOOK, headers=signed(), timeout=5)
    done = slack(ts=posted.json()["ts"], text=f"Acknowledged by Ada: {TITLE}")
    done["attachments"][0]["color"] = "#ecb22e"
    done["attachments"][0]["blocks"][1]["fields"][2]["text"] = "*Status*\nAcknowledged by Ada"
    del done["attachments"][0]["blocks"][3]["elements"][0]
    sender.post(f"{url}/slack/api/chat.update", json=done, headers=bot, timeout=5)


if __name__ == "__main__":
    fill(sys.argv[1])
