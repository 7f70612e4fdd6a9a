"""How long `opsknight plan` and `apply` take an operator: the whole program, start to end."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.figures import Figure
from harness.dynamodb import connect, make_table
from harness.world import RETENTION
from opsknight.runtime import clock
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.table import Table
from opsknight_cli.deployments import Deployment
from opsknight_cli.main import run
from opsknight_cli.session import Session

SERVICES: Final = 200
TEAMS: Final = 20
GROUP: Final = f"configuration of {SERVICES} services"


def measure_configuration(endpoint: str, quick: bool) -> list[Figure]:
    name = make_table(connect(endpoint, TABLE_CONFIG), "Table")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "opsknight.yaml"
        file.write_text(large())
        first, _ = _took(endpoint, name, "plan", str(file), code=2)
        applied, _ = _took(endpoint, name, "apply", str(file), "--yes")
        again = median(
            _took(endpoint, name, "plan", str(file))[0] for _ in range(3 if quick else 9)
        )
        exported, text = _took(endpoint, name, "export")
        bare = median(_bare(endpoint, name) for _ in range(3 if quick else 9))
    return [
        Figure(GROUP, "plan, with nothing to do", again, "s"),
        Figure(GROUP, "a bare program that reads the same entries", bare, "s"),
        Figure(GROUP, "plan, with nothing to do: ratio to it", again / bare, "", 3),
        Figure(GROUP, "plan, with everything to do", first, "s"),
        Figure(GROUP, "plan, with everything to do: ratio to it", first / bare, "", 3),
        Figure(GROUP, "apply, everything", applied, "s"),
        Figure(GROUP, "export", exported, "s"),
        Figure(GROUP, "lines of the file", len(text.splitlines()), "lines"),
    ]


def _took(endpoint: str, name: str, *words: str, code: int = 0) -> tuple[float, str]:
    program = [sys.executable, "-m", "bench.configuration", endpoint, name, *words]
    began = time.perf_counter()
    done = subprocess.run(program, capture_output=True, text=True, env=os.environ, check=False)
    took = time.perf_counter() - began
    assert done.returncode == code, done.stderr
    return took, done.stdout


def _bare(endpoint: str, name: str) -> float:
    program = (
        "import sys, boto3\n"
        "client = boto3.client('dynamodb', endpoint_url=sys.argv[1])\n"
        "pages = client.get_paginator('scan').paginate(TableName=sys.argv[2])\n"
        "assert sum(page['Count'] for page in pages) > 500\n"
    )
    began = time.perf_counter()
    words = [sys.executable, "-c", program, endpoint, name]
    subprocess.run(words, check=True)
    return time.perf_counter() - began


def large() -> str:
    """A configuration of 200 services, each with two integrations and a receiver, and 20 teams,
    each with a schedule and a policy.
    """
    lines = ["users:"]
    for number in range(2 * TEAMS):
        mail = f"user{number}@example.com"
        lines.append(f"  user{number}: {{email: {mail}, role: RESPONDER, contact_methods:")
        lines.append(f"    {{mail: {{channel: email, to: {mail}}}}}}}")
    sections = {
        "teams": "{members: {user%(a)d: {lead: true}, user%(b)d: {}}}",
        "schedules": "{zone: Europe/Berlin, layers: {weekly: {users: [user%(a)d, user%(b)d],"
        ' turn: 1w, handoff: "09:00", start: 2026-01-05}}}',
        "policies": "{steps: [{targets: [{schedule: team%(n)d}]},"
        " {after: 5m, targets: [{team: team%(n)d}]}]}",
    }
    for section, shape in sections.items():
        lines.append(f"{section}:")
        for number in range(TEAMS):
            numbers = {"n": number, "a": 2 * number, "b": 2 * number + 1}
            lines.append(f"  team{number}: {shape % numbers}")
    lines.append("services:")
    for number in range(SERVICES):
        team = f"team{number % TEAMS}"
        lines.append(f"  service{number}: {{name: Service {number}, team: {team}, policy: {team},")
        lines.append("    integrations: {prometheus: Prometheus, cloudwatch: CloudWatch},")
        lines.append(f"    receivers: {{chat: {{channel: discord, secret: chat/{number}}}}}}}")
    return "\n".join(lines) + "\n"


def main(endpoint: str, name: str, *words: str) -> int:
    table = Table(connect(endpoint, TABLE_CONFIG), name, RETENTION)
    deployment = Deployment("the bench", "http://127.0.0.1", table, None, lambda: "the bench")
    session = Session(lambda _: deployment, clock.now, clock.new_id, sys.stdin.read, time.sleep)
    return run(words, session)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
