"""SES v2 and End User Messaging, checked against the models of both that come with botocore."""

import base64
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.utils import parseaddr
from functools import cache
from html import unescape
from typing import Any
from uuid import uuid4

import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from inbox.fields import first_line, object_of
from inbox.providers.provider import Context, Receipt
from inbox.wire import Answer, Request, Unreadable, as_json
from opsknight.directory.receivers import Channel

_SIGNED = "AWS4-HMAC-SHA256 "
_TARGET = "PinpointSMSVoiceV2."


def ses(request: Request, _context: Context) -> Receipt:
    """`SendEmail`. Errors have the service's form: the type in a header, `message` in the body."""
    try:
        payload = _payload(request)
        _check(_operation("sesv2", "SendEmail"), payload, "BadRequestException")
        mail = read_mail(payload)
        for address in [mail["from"], *mail["to"]]:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(address)[1]):
                raise _Refusal("BadRequestException", "Missing final '@domain'")
        if not mail["to"]:
            raise _Refusal("BadRequestException", "At least one recipient is required")
    except _Refusal as refusal:
        error = {"message": refusal.why}
        named = {"x-amzn-ErrorType": refusal.kind}
        return Receipt(Channel.EMAIL, as_json(refusal.status, error, named), why=str(refusal))
    text = mail["text"] or without_tags(mail["html"])
    answer = as_json(200, {"MessageId": f"0100{uuid4().hex[:12]}-{uuid4()}-000000"})
    return Receipt(
        Channel.EMAIL, answer, to=", ".join(mail["to"]), title=mail["subject"], text=text
    )


def messaging(request: Request, _context: Context) -> Receipt:
    """`SendTextMessage` and `SendVoiceMessage`."""
    name = request.headers.get("x-amz-target", "").removeprefix(_TARGET)
    channel = Channel.VOICE if name == "SendVoiceMessage" else Channel.SMS
    if name == "DescribePhoneNumbers":
        # It stands in for receivers, who have no number that replies could come to.
        answer = _json_1_0(200, {"PhoneNumbers": []})
        return Receipt(channel, answer, title="DescribePhoneNumbers", is_message=False)
    try:
        if name not in {"SendTextMessage", "SendVoiceMessage"}:
            raise _Refusal(
                "UnknownOperationException", f"the inbox does not know the operation {name!r}"
            )
        payload = _payload(request)
        _check(_operation("pinpoint-sms-voice-v2", name), payload, "ValidationException")
        if "MessageBody" not in payload:
            raise _Refusal("ValidationException", "MessageBody is required")
    except _Refusal as refusal:
        error: dict[str, Any] = {"__type": refusal.kind, "Message": refusal.why}
        if refusal.kind == "ValidationException":
            error["Reason"] = "FIELD_VALIDATION_FAILED"
        return Receipt(channel, _json_1_0(refusal.status, error), why=str(refusal))
    text = payload["MessageBody"]
    return Receipt(
        channel,
        _json_1_0(200, {"MessageId": str(uuid4())}),
        to=payload["DestinationPhoneNumber"],
        title=first_line(without_tags(text) if is_ssml(payload) else text),
        text=text,
    )


def read_mail(payload: dict[str, Any]) -> dict[str, Any]:
    """The parts of a mail (from, to, subject, text, html, headers) from either form of `Content`.

    Raises `_Refusal` for content in neither form.
    """
    content = object_of(payload.get("Content"))
    destination = object_of(payload.get("Destination"))
    to = [
        address
        for kind in ("ToAddresses", "CcAddresses", "BccAddresses")
        for address in destination.get(kind) or []
    ]
    sender = payload.get("FromEmailAddress") or ""
    if "Simple" in content:
        simple = content["Simple"]
        headers = [(each["Name"], each["Value"]) for each in simple.get("Headers") or []]
        return {
            "from": sender,
            "to": to,
            "subject": simple["Subject"]["Data"],
            "text": object_of(simple["Body"].get("Text")).get("Data") or "",
            "html": object_of(simple["Body"].get("Html")).get("Data") or "",
            "headers": [
                ("From", sender),
                ("To", ", ".join(to)),
                ("Reply-To", ", ".join(payload.get("ReplyToAddresses") or [])),
                ("Subject", simple["Subject"]["Data"]),
                *headers,
            ],
        }
    if "Raw" not in content:
        raise _Refusal("BadRequestException", "Content must be Simple or Raw here")
    try:
        data = base64.b64decode(content["Raw"]["Data"], validate=True)
        raw = message_from_bytes(data, policy=policy.default)
        text, html = raw.get_body(("plain",)), raw.get_body(("html",))
        return {
            "from": sender or str(raw["From"] or ""),
            "to": to or [part.strip() for part in str(raw["To"] or "").split(",") if part.strip()],
            "subject": str(raw["Subject"] or ""),
            "text": text.get_content() if text else "",
            "html": html.get_content() if html else "",
            "headers": [(name, str(value)) for name, value in raw.items()],
        }
    except (LookupError, ValueError) as fault:
        raise _Refusal("BadRequestException", f"The message cannot be read: {fault}") from None


def is_ssml(payload: dict[str, Any]) -> bool:
    return payload.get("MessageBodyTextType") == "SSML"


class _Refusal(Exception):
    def __init__(self, kind: str, why: str, status: int = 400) -> None:
        super().__init__(f"{kind}: {why}")
        self.kind, self.why, self.status = kind, why, status


def without_tags(text: str) -> str:
    """The words of HTML or SSML, in one line."""
    text = re.sub(r"(?is)<(style|script|head)\b.*?</\1\s*>", " ", text)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _payload(request: Request) -> dict[str, Any]:
    if not request.headers.get("authorization", "").startswith(_SIGNED):
        raise _Refusal("MissingAuthenticationTokenException", "The request is not signed", 403)
    try:
        return request.json()
    except Unreadable as fault:
        raise _Refusal("SerializationException", str(fault)) from None


def _check(operation: OperationModel, payload: dict[str, Any], kind: str) -> None:
    shape = operation.input_shape
    if shape is None:
        return
    report = ParamValidator().validate(payload, shape)
    faults = (
        [report.generate_report()] if report.has_errors() else list(_faults(shape, payload, ""))
    )
    if faults:
        raise _Refusal(kind, "; ".join(faults))


def _faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Checks what botocore leaves to the service: maxima, enumerations and patterns."""
    if isinstance(shape, StructureShape):
        for name, it in value.items():
            yield from _faults(shape.members[name], it, f"{path}.{name}".lstrip("."))
        return
    if isinstance(shape, ListShape):
        for index, it in enumerate(value):
            yield from _faults(shape.member, it, f"{path}[{index}]")
    rules = shape.metadata
    size = len(value) if isinstance(value, str | list | dict) else value
    if "max" in rules and size > rules["max"]:
        yield f"{path}: at most {rules['max']}"
    if isinstance(value, str):
        if rules.get("enum") and value not in rules["enum"]:
            yield f"{path}: one of {', '.join(rules['enum'])}"
        if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
            yield f"{path}: must match {rules['pattern']}"


@cache
def _operation(service: str, name: str) -> OperationModel:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def _json_1_0(status: int, value: object) -> Answer:
    return as_json(status, value, {"Content-Type": "application/x-amz-json-1.0"})
