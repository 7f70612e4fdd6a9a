"""What holds for every test: no real AWS account in reach, Hypothesis sizes, listed skips only."""

import gc
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# What is imported stays: see `pytest_collection_finish`.
gc.disable()

pytest_plugins = ["tests.skips", "harness.fixtures", "harness.recording"]

# At import, before anything can make a client: whatever the developer's shell says about AWS, an
# account, a profile, a token, an endpoint, is gone from here and from every process started here.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAM_CLI_TELEMETRY": "0",
    "POWERTOOLS_SERVICE_NAME": "events",
    "POWERTOOLS_METRICS_NAMESPACE": "OpsKnight/testing",
    "NO_PROXY": "127.0.0.1,localhost",
}

# `make test` draws the same examples every time: what is new is found by `make soak`, which prints
# how to repeat it. A test that can afford more or less multiplies: settings().max_examples * 10.
# Tests on a real server are slow by nature, so no example has a deadline.
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "quick",
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=SLOW,
)
settings.register_profile(
    "soak",
    max_examples=800,
    stateful_step_count=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=SLOW,
)
settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Libraries, models and tests are there until the end. Looking through them again and again
    for garbage was a quarter of the tests' processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def full_size() -> bool:
    """Whether this is `make soak`: tests marked `soak` then run at the size that the issue asks."""
    return settings.get_current_profile_name() == "soak"


@pytest.fixture
def say(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Writes a line to the terminal, past pytest's capture: a run's output tells its figures."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None

    def line(text: str) -> None:
        with capfd.disabled():
            reporter.ensure_newline()
            reporter.write_line(text)

    return line
