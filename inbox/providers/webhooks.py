"""A receiver of signed webhooks, written as docs/webhooks.md tells people to write theirs."""

import hmac
import re
from hashlib import sha256

from inbox.fields import object_of, objects_of, text_of
from inbox.providers.provider import Context, Receipt
from inbox.wire import Request, Unreadable, as_json
from opsknight.directory.receivers import Channel


def webhook(request: Request, context: Context) -> Receipt:
    """Answers 200, or 401 if the secret is known and the signature wrong or missing."""
    title = request.headers.get("x-opsknight-event") or f"{request.method} {request.path}"
    try:
        payload = request.json()
    except Unreadable as fault:
        answer = as_json(400, {"error": str(fault)})
        return Receipt(Channel.WEBHOOK, answer, to=request.path, title=title, why=str(fault))
    about = text_of(object_of(payload.get("incident")).get("title"))
    if several := objects_of(payload.get("incidents")):
        about = f"{len(several)} incidents"
    verdict = _verdict(request, context.secrets)
    wrong = verdict in {"missing", "wrong"}
    return Receipt(
        Channel.WEBHOOK,
        as_json(401, {"error": f"signature {verdict}"}) if wrong else as_json(200, {"ok": True}),
        to=request.path,
        title=f"{title}: {about}" if about else title,
        text=request.body.decode(errors="replace"),
        why=f"signature {verdict}" if wrong else "",
        notes={"signature": verdict},
    )


def _verdict(request: Request, secrets: tuple[str, ...]) -> str:
    """Checks the signature of timestamp, dot and body. A request may carry several signatures, one
    for each secret.
    """
    given = re.findall(r"sha256=([0-9a-f]{64})", request.headers.get("x-opsknight-signature", ""))
    if not secrets:
        return "not checked: the secret is unknown" if given else "none"
    if not given:
        return "missing"
    timestamp = request.headers.get("x-opsknight-timestamp", "")
    signed = timestamp.encode() + b"." + request.body
    right = [hmac.digest(secret.encode(), signed, sha256).hex() for secret in secrets]
    matches = [a for a in given for b in right if hmac.compare_digest(a, b)]
    return "right" if matches else "wrong"
