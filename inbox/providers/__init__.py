"""The providers that OpsKnight sends to, as far as it uses them. Each checks a request as the real
one does, and answers in its form; none of them keeps or shows anything.
"""

from typing import Final

from inbox.providers import aws, chats, pushes, slack, telegram, twilio, webhooks
from inbox.providers.provider import Provider
from inbox.wire import Request

_PROVIDERS: Final[tuple[tuple[str, str, Provider], ...]] = (
    ("/v2/email/outbound-emails", "POST", aws.ses),
    ("/slack/api/", "POST", slack.web_api),
    ("/slack/services/", "POST", slack.webhook),
    ("/teams/", "POST", chats.teams),
    ("/discord/api/webhooks/", "POST", chats.discord),
    ("/google-chat/", "POST", chats.google_chat),
    ("/telegram/bot", "POST", telegram.telegram),
    ("/ntfy", "POST PUT", pushes.ntfy),
    ("/pushover/1/messages.json", "POST", pushes.pushover),
    ("/pushover/1/receipts/cancel_by_tag/", "POST", pushes.called_off),
    (twilio.PLACE, "GET POST", twilio.twilio),
    ("/webhook/", "POST PUT", webhooks.webhook),
)


def provider_of(request: Request) -> Provider | None:
    """Chosen by the path, or for End User Messaging by the header that names the operation."""
    if request.method == "POST" and "x-amz-target" in request.headers:
        return aws.messaging
    for beginning, methods, provider in _PROVIDERS:
        if request.path.startswith(beginning) and request.method in methods.split():
            return provider
    return None
