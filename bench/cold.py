"""Cold start: a fresh process that imports and builds a function, and one with the libraries alone:
the function that senders wait for, and those that people do.

botocore imports awscrt and pyOpenSSL where they are, as they are for developers. Neither is in the
layer, and without them the same libraries cost two thirds: the last ratio is the one to expect of
Lambda.

What is bounded is processor time, as nothing here waits but for a processor that others use. Each
process is compared with the one of the libraries just before it, and the median of these ratios
counts: a machine that is slower for a while is slower for both.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Final

from bench.figures import Figure

_FLOOR: Final = """
import boto3
from aws_lambda_powertools import Logger
from pydantic import BaseModel
Logger()
boto3.client("dynamodb")
"""
_API: Final = """
import events.handler
events.handler.api()
"""
# What answers people: after a deploy its first answer is somebody's wait.
_PEOPLES: Final = {
    "respond": ("import respond.handler\nrespond.handler.responder()\n", 2.3),
    "keeping": ("import respond.keeper\nrespond.keeper.keeper()\n", 1.8),
    "configuration": ("import respond.configurator\nrespond.configurator.configurator()\n", 1.9),
    "console": ("import console.handler\n", 1.4),
    "status": ("import status.handler\n", 1.3),
}
_LEAN: Final = """
import sys
sys.modules["awscrt"] = sys.modules["OpenSSL"] = None
"""
_MEASURED: Final = """
import time
wall, cpu = time.perf_counter(), time.process_time()
{program}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
import json
from bench.cold import peak_bytes
print(json.dumps([wall * 1000, cpu * 1000, peak_bytes() / 2**20]))
"""
# The variables of the function in template.yaml. Clients connect only at their first call.
_ENVIRONMENT: Final = {
    "TABLE_NAME": "table",
    "RATES_TABLE_NAME": "rates",
    "CORS_ORIGINS": "",
    "SECRETS_PREFIX": "/opsknight/bench/secrets/",
    "RETENTION_DAYS": "400",
    "AUDIT_DAYS": "400",
    "LINK_KEY_NAME": "/opsknight/bench/link-key",
    "LOCAL_INBOX": "",
    "PAGES_URL": "https://sqs/pages",
    "RENDERS_ARN": "arn:aws:sns:us-east-1:123456789012:renders",
    "SLACK_SIGNING_SECRET_NAME": "/opsknight/bench/slack",
    "SLACK_WORKSPACES": "",
    "TWILIO_NAME": "",
    "POWERTOOLS_SERVICE_NAME": "events",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
# A process is measured in milliseconds by the clock, milliseconds of the processor, and MiB.
_WALL, _CPU, _PEAK = range(3)


def peak_bytes() -> int:
    """The most memory that this process has used."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, `ru_maxrss` starts at the size of the parent process.
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure_cold_start(endpoint: str, quick: bool) -> list[Figure]:
    environment = os.environ | _ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint}
    peoples = {name: _LEAN + program for name, (program, _) in _PEOPLES.items()}
    programs = (_FLOOR, _API, _LEAN + _FLOOR, _LEAN + _API, *peoples.values())
    runs: dict[str, list[list[float]]] = {program: [] for program in programs}
    for number in range(11 if quick else 41):
        for program, measured in runs.items():
            took = _fresh(program, environment)
            # The first run writes the byte code.
            if number:
                measured.append(took)
    api, floor = runs[_API], runs[_FLOOR]
    lean = _ratio(runs[_LEAN + _API], runs[_LEAN + _FLOOR], _CPU)
    group = f"Cold start: import and init, {len(api)} fresh processes each"
    return [
        Figure(group, "API function, median", _median(api, _WALL), "ms"),
        Figure(group, "floor (a client, pydantic, Logger), median", _median(floor, _WALL), "ms"),
        Figure(group, "API function, processor time", _median(api, _CPU), "ms"),
        Figure(group, "floor, processor time", _median(floor, _CPU), "ms"),
        Figure(group, "median of ratios, processor time", _ratio(api, floor, _CPU), "", 1.25),
        Figure(group, "the same by the clock", _ratio(api, floor, _WALL), ""),
        Figure(group, "the same without awscrt and pyOpenSSL", lean, ""),
        *(
            Figure(
                group,
                f"so for {name}",
                _ratio(runs[peoples[name]], runs[_LEAN + _FLOOR], _CPU),
                "",
                bound,
            )
            for name, (_, bound) in _PEOPLES.items()
        ),
        Figure(group, "peak memory, API function", _median(api, _PEAK), "MiB"),
        Figure(group, "peak memory, floor", _median(floor, _PEAK), "MiB"),
    ]


def _median(measured: list[list[float]], what: int) -> float:
    return median(each[what] for each in measured)


def _ratio(measured: list[list[float]], floor: list[list[float]], what: int) -> float:
    return median(ours[what] / bare[what] for ours, bare in zip(measured, floor, strict=True))


def _fresh(program: str, environment: dict[str, str]) -> list[float]:
    source = _MEASURED.format(program=program)
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, check=True, capture_output=True, text=True
    )
    measured: list[float] = json.loads(done.stdout)
    return measured
