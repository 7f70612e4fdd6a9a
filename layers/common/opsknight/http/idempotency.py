"""A request with an `Idempotency-Key` is carried out once: sent again within a day, it gets the
first answer. The key is its caller's own, for one method and path.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import field, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from opsknight.classes import dataclass
from opsknight.http.conventions import IDEMPOTENCY_KEY
from opsknight.http.gateway import Answer, Failure, HttpError, Request
from opsknight.store.calls import Conflict, Deadline, Unavailable
from opsknight.store.idempotency import RUNS, Record, Records
from opsknight.store.rows import Rows
from opsknight.views.wire import Shape, to_json

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

REPLAYED: Final = "Idempotency-Replayed"
LONGEST: Final = 255
_LOCATION: Final = "Location"
# Whoever is refused has changed nothing, and may mend what was wrong. A 409 is the outcome.
_CONFLICT: Final = 409
RELEASE_SECONDS: Final = 1


class StillRunning(HttpError):
    """Ends the handling of a request whose first one is not done."""

    def __init__(self) -> None:
        said = "The first request with this Idempotency-Key is under way. Send it again."
        super().__init__(503, Failure(error="Still running", message=said))
        self.answer = replace(self.answer, headers={"Retry-After": "1"}, expected=True)


@dataclass(slots=True)
class Once:
    """The record of this request, which is under way."""

    records: Records
    name: str
    record: Record
    deadline: Deadline
    keeps: bool = True
    """Whether the answer is worth keeping; not if a part of what was asked for is still to do."""
    _written: bool = field(default=False, init=False)

    def beside(self, answer: Answer | None) -> "Sequence[Write]":
        """What to write in the transaction that `answer` is about; None for a decision that writes
        nothing. Called for each attempt.
        """
        self._written = answer is not None
        return [] if answer is None else [self.records.completion(self.name, self._done(answer))]

    def carry_out(self, act: Callable[[], Answer]) -> Answer:
        """Raises what `act` does."""
        try:
            answer = act()
        except HttpError as refused:
            self._end(refused.answer)
            raise
        except Unavailable:
            self.release()
            raise
        self._end(answer)
        return answer

    def _end(self, answer: Answer) -> None:
        """`answer` is given, and will be given again."""
        if self._written:
            return
        if not self.keeps or (answer.status >= 300 and answer.status != _CONFLICT):
            self.release()
            return
        # Another has begun it: this one took too long, and its answer is still right.
        with suppress(Conflict):
            self.records.complete(self.name, self._done(answer), self.deadline)

    def release(self) -> None:
        """The request failed. Whatever was written has its answer."""
        with suppress(Unavailable):
            left = Deadline.after(RELEASE_SECONDS)
            self.records.release(self.name, self.record.token, left)

    def part(self, name: str, now: datetime) -> "Once | Answer":
        """One of several things that the request does, of which only what is written is kept.
        Raises HttpError.
        """
        named, record = f"{self.name}/{name}", self.record
        found = _begun(self.records, named, record.body, record.token, now, self.deadline)
        if isinstance(found, Once):
            found.keeps = False
        return found

    def _done(self, answer: Answer) -> Record:
        body = to_json(answer.body) if isinstance(answer.body, Shape) else answer.body
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        update = {"status": answer.status, "answer": text}
        return self.record.model_copy(update=update | {"location": answer.headers.get(_LOCATION)})


def once(
    request: Request, key_id: str, token: str, rows: Rows, now: datetime, deadline: Deadline
) -> Once | Answer | None:
    """The first answer for a request that was sent before; None for one without a key. `token`
    names this one. Raises HttpError: 400, 422, 503.
    """
    if request.method != "POST" or IDEMPOTENCY_KEY not in request.headers:
        return None
    key = request.headers[IDEMPOTENCY_KEY].strip()
    if not 0 < len(key) <= LONGEST or not key.isprintable():
        expected = f"Idempotency-Key must have 1 to {LONGEST} printable characters."
        raise HttpError(400, Failure(error="Invalid Idempotency-Key", message=expected))
    scope = f"{key_id}\n{request.path}\n{key}"
    name = sha256(scope.encode("utf-8", "surrogatepass")).hexdigest()
    digest = sha256(request.body).hexdigest()
    return _begun(Records(rows), name, digest, token, now, deadline)


def _begun(
    records: Records, name: str, body: str, token: str, now: datetime, deadline: Deadline
) -> Once | Answer:
    mine = Record(body=body, token=token, until=now + RUNS)
    found = records.begin(name, mine, now, deadline)
    if found.body != body:
        said = "This Idempotency-Key was sent with another body before."
        raise HttpError(422, Failure(error="Idempotency-Key reused", message=said))
    if found.answer is not None:
        headers = {REPLAYED: "true"} | ({_LOCATION: found.location} if found.location else {})
        return Answer(found.status or 200, json.loads(found.answer), headers)
    if found.token != token:
        raise StillRunning
    return Once(records, name, mine, deadline)
