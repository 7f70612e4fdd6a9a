"""A receiver of signed webhooks, written as our own documents tell receivers to write theirs."""

import hmac
import re
from hashlib import sha256

from inbox.providers.reading import Desk, Reading, inner, listed, told
from inbox.wire import Request, Unreadable, as_json
from opsknight.directory.receivers import Channel


def webhook(request: Request, desk: Desk) -> Reading:
    """200, or 401 for a wrong signature where the secret is known."""
    title = request.headers.get("x-opsknight-event") or f"{request.method} {request.path}"
    try:
        asked = request.json()
    except Unreadable as fault:
        answer = as_json(400, {"error": str(fault)})
        return Reading(Channel.WEBHOOK, answer, to=request.path, title=title, why=str(fault))
    about = told(inner(asked.get("incident")).get("title"))
    if several := listed(asked.get("incidents")):
        about = f"{len(several)} incidents"
    verdict = _verdict(request, desk.secrets)
    wrong = verdict in {"missing", "wrong"}
    return Reading(
        Channel.WEBHOOK,
        as_json(401, {"error": f"signature {verdict}"}) if wrong else as_json(200, {"ok": True}),
        to=request.path,
        title=f"{title}: {about}" if about else title,
        text=request.body.decode(errors="replace"),
        why=f"signature {verdict}" if wrong else "",
        notes={"signature": verdict},
    )


def _verdict(request: Request, secrets: tuple[str, ...]) -> str:
    """How the signature stands: over the timestamp, a dot, and the body; one for each secret."""
    given = re.findall(r"sha256=([0-9a-f]{64})", request.headers.get("x-opsknight-signature", ""))
    if not secrets:
        return "not checked, the secret is not known" if given else "none"
    if not given:
        return "missing"
    timestamp = request.headers.get("x-opsknight-timestamp", "")
    signed = timestamp.encode() + b"." + request.body
    right = [hmac.digest(secret.encode(), signed, sha256).hex() for secret in secrets]
    matches = [a for a in given for b in right if hmac.compare_digest(a, b)]
    return "right" if matches else "wrong"
