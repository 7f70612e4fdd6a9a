"""Log lines and metrics. Which of them operators watch is in docs/operations.md."""

from typing import Final

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

# Service and level come from the POWERTOOLS_ variables of the template.
logger: Final = Logger(location=None, use_rfc3339=True, utc=True)


def measure(name: str, value: float, unit: MetricUnit) -> None:
    """Writes the metric at once, whatever happens next, and shares nothing with other threads."""
    with single_metric(name=name, unit=unit, value=value):
        pass


def count(name: str) -> None:
    measure(name, 1, MetricUnit.Count)


# The dimension `service` of metrics that are the deployment's, and not one function's.
DEPLOYMENT: Final = "deployment"


def signal(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Writes a metric that an alarm listens to: the same one whichever function writes it, so that
    one alarm with one runbook hears them all.
    """
    with single_metric(name=name, unit=unit, value=value) as metric:
        metric.add_dimension(name="service", value=DEPLOYMENT)
