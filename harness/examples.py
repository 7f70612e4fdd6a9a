"""Runs the examples of a document: each `curl` with the answer below it, by the real curl against
functions in process.

    ```sh
    curl ...
    ```

    200:

    ```json
    {...}
    ```
"""

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

WIDTH: Final = 110
_EXAMPLE: Final = re.compile(
    r"^```sh\n(?P<program>curl .+?)^```\n\n(?P<status>\d{3}):\n\n```json\n(?P<answer>.+?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Example:
    program: str
    status: int
    answer: str
    """As the document has it."""
    place: slice
    """Where the answer stands in the document."""


def examples(document: str) -> list[Example]:
    return [
        Example(
            found["program"], int(found["status"]), found["answer"], slice(*found.span("answer"))
        )
        for found in _EXAMPLE.finditer(document)
    ]


def laid_out(value: object, indent: str = "", room: int = WIDTH) -> str:
    """JSON as people write it: what fits on one line stays there."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= room or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(name)}: {laid_out(each, inner, room - len(name) - 4)}"
            for name, each in value.items()
        ]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    parts = [laid_out(each, inner, room) for each in value]
    return "[\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}]"


type Gateway = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From an event of API Gateway (payload format 2.0) to the function's answer."""


@dataclass(slots=True)
class Served:
    url: str
    statuses: list[int]

    def run(self, example: Example, folder: Path, **environment: str) -> Any:
        """The JSON that it prints. Its status is added to `statuses`."""
        done = subprocess.run(
            ["bash", "-euc", example.program],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "NO_PROXY": "127.0.0.1",
                "OPSKNIGHT_URL": self.url,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@contextmanager
def served(gateway: Gateway) -> Iterator[Served]:
    """One request at a time, as moto takes no more."""
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length", 0))
            event: dict[str, Any] = {
                "version": "2.0",
                "rawPath": path,
                "headers": dict(self.headers.items()),
                "requestContext": {"http": {"method": self.command, "path": path}},
                "body": self.rfile.read(length).decode(),
                "isBase64Encoded": False,
            }
            if query:
                sent = parse_qs(query, keep_blank_values=True)
                event["queryStringParameters"] = {n: ",".join(v) for n, v in sent.items()}
            answer = gateway(event)
            statuses.append(answer["statusCode"])
            body = answer["body"].encode()
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{server.server_port}", statuses)
        finally:
            server.shutdown()
            thread.join()
