"""What to change at a sender of events, so that it sends here."""

from typing import Final

from opsknight.files.values import slugged
from opsknight.integrations import builtin

# What they are called there.
_OTHER_NAMES: Final = {
    "amazon-cloudwatch": "cloudwatch",
    "aws-cloudwatch": "cloudwatch",
    "amazon-sns": "cloudwatch",
    "new-relic": "newrelic",
    "google-stackdriver": "google-cloud-monitoring",
    "stackdriver": "google-cloud-monitoring",
    "microsoft-azure": "azure",
    "azure-monitor": "azure",
}


def setting(words: str, otherwise: str) -> str:
    """The setting of a tool that is described in these words; else `otherwise`."""
    told = f"-{slugged(words)}-"
    for name in (*_OTHER_NAMES, *builtin.names()):
        preset = _OTHER_NAMES.get(name, name)
        # These are other systems, and the tool sends to them in their own dialect.
        if f"-{name}-" in told and preset not in ("pagerduty", "webhook"):
            steps = f"`opsknight integrations show {preset}`"
            return f"address {{url}}/api/integrations/{preset} ({steps})"
    return otherwise
