"""Generated settings of services that another system still pages for."""

from typing import Final

from hypothesis import strategies as st

SHADOWS: Final = st.fixed_dictionaries(
    {
        "mode": st.just("shadow"),
        "until": st.sampled_from(["2026-12-20", "2026-12-20 09:30", "2026-12-20T09:30:00+01:00"]),
    }
)


MIRRORS: Final = st.sampled_from(
    [
        {"to": "pagerduty", "secret": "old"},
        {"to": "opsgenie", "secret": "old", "url": "https://api.eu.opsgenie.com", "actions": True},
        {"to": "webhook", "url": "https://old.example.com/hook"},
    ]
)
