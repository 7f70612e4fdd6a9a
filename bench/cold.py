"""Cold start: a fresh process that imports and builds the API, and one with the libraries alone.

botocore imports awscrt and pyOpenSSL where they are, as they are for developers. Neither is in the
layer, and without them the same libraries cost two thirds: the last ratio is the one to expect of
Lambda.
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
    "POWERTOOLS_SERVICE_NAME": "events",
}


def peak_bytes() -> int:
    """The most memory that this process has used."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, `ru_maxrss` starts at the size of the parent process.
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure_cold_start(endpoint: str, quick: bool) -> list[Figure]:
    environment = os.environ | _ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint}
    programs = (_FLOOR, _API, _LEAN + _FLOOR, _LEAN + _API)
    runs: dict[str, list[list[float]]] = {program: [] for program in programs}
    for number in range(11 if quick else 41):
        for program, measured in runs.items():
            took = _fresh(program, environment)
            # The first run writes the byte code.
            if number:
                measured.append(took)
    floor, api, lean_floor, lean_api = (
        [median(each) for each in zip(*runs[program], strict=True)] for program in programs
    )
    group = f"Cold start: import and init, {len(runs[_API])} fresh processes each"
    return [
        Figure(group, "API function, median", api[0], "ms"),
        Figure(group, "floor (boto3 client, pydantic, Logger), median", floor[0], "ms"),
        Figure(group, "ratio of medians", api[0] / floor[0], "", 1.25),
        Figure(group, "ratio of medians, processor time", api[1] / floor[1], ""),
        Figure(group, "the same without awscrt and pyOpenSSL", lean_api[1] / lean_floor[1], ""),
        Figure(group, "peak memory, API function", api[2], "MiB"),
        Figure(group, "peak memory, floor", floor[2], "MiB"),
    ]


def _fresh(program: str, environment: dict[str, str]) -> list[float]:
    source = _MEASURED.format(program=program)
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, check=True, capture_output=True, text=True
    )
    measured: list[float] = json.loads(done.stdout)
    return measured
