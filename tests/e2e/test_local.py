"""The parts of `make run`: the front, children, and the printed lines. The other files here test
the deployed stack, except for its behaviour in a burst.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from threading import Barrier, Event, Semaphore, Thread
from typing import cast

import pytest
import requests

from harness.dynamodb import connect
from harness.world import RETENTION, deadline, event
from local.children import Child
from local.front import Exchange, Front
from local.ports import Port
from local.programs import ROOT, Failure, discard
from local.screen import event_line
from local.stack import Running
from opsknight.directory.entries import IntegrationKey, Service, Team, key_hash
from opsknight.directory.integrations import Integration
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.table import Table

pytestmark = pytest.mark.system


class Echo(BaseHTTPRequestHandler):
    """Answers with the request that it got, as JSON."""

    def do_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = {
            "method": self.command,
            "target": self.path,
            "headers": self.headers.items(),
            "body": self.rfile.read(length).decode("latin-1"),
        }
        answer = json.dumps(request).encode()
        self.send_response(418)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-Twice", "one")
        self.send_header("X-Twice", "two")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_any

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
def front(seen: list[Exchange]) -> Iterator[Front]:
    """A front before an upstream that echoes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        Thread(target=echo.serve_forever, args=(0.02,), daemon=True).start()
        host, port = "127.0.0.1", echo.server_port
        with Front(
            socket.create_server(("127.0.0.1", 0)),
            upstream=(host, port),
            api_id="api1",
            watch=seen.append,
        ) as up:
            yield up
        echo.shutdown()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_method_target_headers_body_and_status_pass_unchanged(
    method: str, front: Front, seen: list[Exchange]
) -> None:
    target = "/a%2Fb//c/%E2%82%AC/?x=1&x=2&y=%20&z"
    host, _, port = front.url.removeprefix("http://").partition(":")
    with closing(http.client.HTTPConnection(host, int(port))) as connection:
        body = b"\x00\xff" if method in {"POST", "PUT", "PATCH"} else None
        connection.request(method, target, body, {"X-Mine": "a", "Authorization": "Token token=1"})
        answer = connection.getresponse()
        text = answer.read()
    assert answer.status == 418
    assert answer.headers.get_all("X-Twice") == ["one", "two"]
    if method == "HEAD":
        assert text == b""
        return
    got = json.loads(text)
    headers = {name.lower(): value for name, value in got["headers"]}
    assert got["method"] == method
    assert got["target"] == "/_aws/execute-api/api1/$default" + target
    assert got["body"].encode("latin-1") == (body or b"")
    assert headers["x-mine"] == "a"
    assert headers["authorization"] == "Token token=1"
    assert [(each.method, each.status) for each in seen] == [(method, 418)]


def test_a_large_body_sent_in_pieces_arrives_whole(front: Front) -> None:
    answer = requests.post(front.url, data=iter([b"a" * 300_000, b"b" * 300_000]), timeout=20)
    assert answer.json()["body"] == "a" * 300_000 + "b" * 300_000


def test_many_clients_keep_their_connections(front: Front) -> None:
    def ask(client: int) -> set[str]:
        with requests.Session() as session:
            return {
                session.get(f"{front.url}/{client}", timeout=20).json()["target"] for _ in range(10)
            }

    with ThreadPoolExecutor(50) as clients:
        targets = list(clients.map(ask, range(50)))
    assert targets == [{f"/_aws/execute-api/api1/$default/{client}"} for client in range(50)]


class Gate(ThreadingHTTPServer):
    """An upstream that counts requests by `arrived`, and answers none until `open` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Held)
        self.arrived = Semaphore(0)
        self.open = Event()


class Held(BaseHTTPRequestHandler):
    """A request at the gate."""

    def do_GET(self) -> None:
        gate = cast(Gate, self.server)
        gate.arrived.release()
        gate.open.wait()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_burst_waits_in_the_front_until_others_are_answered() -> None:
    with Gate() as gate, ThreadPoolExecutor(64) as clients:
        Thread(target=gate.serve_forever, args=(0.02,), daemon=True).start()
        upstream = ("127.0.0.1", gate.server_port)
        listener = socket.create_server(("127.0.0.1", 0))
        with Front(listener, upstream=upstream, api_id="api1", at_once=3) as front:
            answers = [clients.submit(requests.get, front.url, timeout=20) for _ in range(64)]
            let_through = [gate.arrived.acquire(timeout=10) for _ in range(3)]
            one_too_many = gate.arrived.acquire(timeout=0.5)
            gate.open.set()
            statuses = [answer.result().status_code for answer in answers]
        gate.shutdown()
    assert let_through == [True] * 3
    assert not one_too_many
    assert statuses == [204] * 64


def test_a_missing_aws_is_a_502_in_json() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    with Front(
        socket.create_server(("127.0.0.1", 0)), upstream=("127.0.0.1", port), api_id="api1"
    ) as front:
        answer = requests.get(front.url, timeout=20)
    assert answer.status_code == 502
    assert "did not answer" in answer.json()["error"]


def test_none_of_64_simultaneous_events_waits_longer_than_ten_seconds(deployed: Running) -> None:
    key = key_of_its_own(deployed)
    body = json.dumps(event("trigger", "burst"))
    together = Barrier(64)

    def send(_: int) -> tuple[int, float]:
        together.wait()
        began = time.monotonic()
        headers = {"Authorization": f"Token token={key}"}
        answer = requests.post(f"{deployed.url}/api/events", body, headers=headers, timeout=60)
        return answer.status_code, time.monotonic() - began

    with ThreadPoolExecutor(64) as clients:
        answers = list(clients.map(send, range(64)))
    assert Counter(status for status, _ in answers) == {202: 64}
    assert max(seconds for _, seconds in answers) < 10


def key_of_its_own(up: Running) -> str:
    """An integration key for a burst: it leaves the limits of the demo's keys alone, and its
    service notifies nobody.
    """
    table = Table(connect(up.endpoint, TABLE_CONFIG), up.outputs["TableName"], RETENTION)
    service = Service(id="svc_burst", name="Burst", team_id="team_burst")
    integration = Integration(id="int_burst", service_id=service.id, name="burst")
    secret = token_hex(16)
    key = IntegrationKey(
        id="key_burst",
        name="burst",
        created_at=datetime.now(UTC),
        service_id=service.id,
        integration_id=integration.id,
    )
    entries: list[Team | Service | Integration] = [
        Team(id=service.team_id, name="Burst"),
        service,
        integration,
    ]
    table.create(entries, {key_hash(secret): key}, token_hex(8), deadline())
    return secret


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deep = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(deep.pid, flush=True)
time.sleep(600)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from local.children import Child
program, log = sys.argv[1:]
child = Child([sys.executable, "-c", program], env=os.environ, cwd=Path.cwd(), log=Path(log))
time.sleep(600)
"""


def first_number(log: Path) -> int:
    """The process number that a program prints after its start."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if log.exists() and log.read_text().endswith("\n"):
            return int(log.read_text())
        time.sleep(0.02)
    raise AssertionError("the program did not start")


def is_gone(process: int) -> bool:
    """Whether the process ends within two seconds, which is more than the kernel needs."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{process}/stat")
        try:
            os.kill(process, 0)
            # In a container, the process that adopts it may never reap it.
            if stat.exists() and ") Z " in stat.read_text():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_stopping_a_child_stops_what_it_started(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = Child([sys.executable, "-c", STUBBORN], env=os.environ, cwd=ROOT, log=log)
    deep = first_number(log)
    child.stop()
    assert not child.running
    assert is_gone(deep)
    child.stop()


def test_a_discarded_folder_is_gone_at_once_and_its_files_soon(tmp_path: Path) -> None:
    for name in ("tmp", "tmp.of-a-run-that-was-killed"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep/file").write_text("of a function")
    discard(tmp_path / "tmp")
    assert not (tmp_path / "tmp").exists()
    (tmp_path / "tmp").mkdir()
    until = time.monotonic() + 10
    while (left := [each.name for each in tmp_path.iterdir()]) != ["tmp"]:
        assert time.monotonic() < until, left
        time.sleep(0.02)


def test_a_child_that_ends_by_itself_leaves_its_exit_code_and_no_process(
    tmp_path: Path,
) -> None:
    log = tmp_path / "child.log"
    program = STUBBORN.replace("time.sleep(600)\n", "sys.exit(7)\n")
    child = Child([sys.executable, "-c", program], env=os.environ, cwd=ROOT, log=log)
    assert child.wait(10) == 7
    assert is_gone(first_number(log))


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, STUBBORN, str(log)], cwd=ROOT)
    deep = first_number(log)
    parent.kill()
    parent.wait()
    assert is_gone(deep)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "²", "4566 "])
def test_an_invalid_port_is_explained(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSKNIGHT_PORT", text)
    with pytest.raises(Failure, match="OPSKNIGHT_PORT must be a port number"):
        Port.from_environment("OPSKNIGHT_PORT", 8080)


def line(status: int, answer: object, path: str = "/api/events") -> str:
    text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return event_line(Exchange("POST", path, status, text), "12:00:00").plain


def test_an_event_makes_one_line() -> None:
    incident = {"id": "inc_1", "title": "CPU high", "status": "OPEN", "urgency": "HIGH"}
    accepted = {"status": "success", "result": {"action": "triggered", "incident": incident}}
    assert line(202, accepted) == "12:00:00 triggered    202 inc_1 HIGH   CPU high"
    ignored = {"status": "success", "result": {"action": "ignored", "reason": "None active."}}
    assert line(202, ignored) == "12:00:00 ignored      202 None active."


def test_a_refused_event_makes_a_line_with_the_reason() -> None:
    issues = [{"path": "payload.severity", "message": "is required"}]
    refused = {"error": "Invalid request body", "issues": issues}
    assert line(400, refused) == (
        "12:00:00 refused      400 Invalid request body - payload.severity: is required"
    )
    assert line(429, {"message": "Too Many Requests"}).endswith("429 Too Many Requests")
    assert line(502, b"<html>").endswith("502 Bad Gateway")


def test_a_long_or_hostile_title_stays_one_printable_line() -> None:
    evil = {"id": "inc_1", "title": "\x1b[2J\r\n" + "x" * 500, "urgency": "LOW"}
    shown = line(202, {"result": {"action": "triggered", "incident": evil}})
    assert shown.isprintable()
    assert len(shown) < 200
