"""Grafana's webhook contact point, and the webhook of its alerting before version 9.

Sources: Grafana's documentation and code. A contact point sends what Alertmanager does, with links
to dashboards and the values of each alert. Where a query returns nothing, Grafana sends an alert
called DatasourceNoData, which has a fingerprint of its own and resolves by it. The older webhook
sends the state of one rule.
"""

from collections.abc import Mapping
from typing import Any

from events.integrations import alertmanager
from events.integrations.batch import Batch, Left, Meaningless, Sent
from opsknight.incident.model import Action, Severity
from opsknight.integrations.drafts import Draft


def read(sent: Sent) -> Batch:
    document = sent.document
    if isinstance(document, dict) and "alerts" not in document and "state" in document:
        return _legacy(document)
    return alertmanager.batch(sent)


def _legacy(document: Mapping[str, Any]) -> Batch:
    """One rule: `alerting`, `no_data`, `ok`, `pending`, `paused`."""
    rule = document.get("ruleId")
    if not isinstance(rule, int | str) or isinstance(rule, bool):
        raise Meaningless("ruleId must be there, as in the webhook of Grafana's older alerting")
    key = f"grafana:{document.get('orgId', 1)}:{rule}"
    name = document.get("ruleName") or document.get("title")
    match document["state"]:
        case "alerting":
            return Batch([_firing(document, key, document.get("title") or name, None)])
        case "no_data":
            # As urgent as an error: what the rule watches may be down, or only its metrics.
            summary = f"No data: {name}"
            return Batch([_firing(document, key, summary, Severity.ERROR.value)])
        case "ok":
            return Batch([Draft(Action.RESOLVE, key)])
        case "pending" | "paused" | "unknown" as state:
            return Batch(left=[Left("state", f"{state} is nothing to act on")])
        case _:
            raise Meaningless("state must be alerting, no_data, ok, pending or paused")


def _firing(document: Mapping[str, Any], key: str, summary: object, severity: str | None) -> Draft:
    tags = document.get("tags")
    tags = tags if isinstance(tags, dict) else {}
    details = {name: document[name] for name in ("message", "tags") if document.get(name)}
    image = document.get("imageUrl")
    link = document.get("ruleUrl")
    return Draft(
        Action.TRIGGER,
        key,
        summary=summary,
        source="Grafana",
        severity=tags.get("severity", severity),
        custom_details=details | {"values": document.get("evalMatches") or []},
        rest={
            "links": [{"href": link, "text": "Rule"}] if link else [],
            "images": [{"src": image, "alt": "Picture"}] if image else [],
        },
    )
