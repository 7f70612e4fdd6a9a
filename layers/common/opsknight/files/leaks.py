"""Tells secrets from the names of parameters.

A name is words that somebody chose. A secret is a URL, begins as its provider's tokens do, or looks
like chance.
"""

import re
from typing import Final

# Slack, Telegram, ntfy, GitHub, GitLab, Grafana, AWS, and ours.
_TOKEN: Final = re.compile(
    r"xox[a-z]-|xapp-|xwfp-|\d{6,}:|tk_[0-9a-z]{20}|gh[a-z]_|github_pat_|glpat-|gl(sa|c)_"
    r"|A[KS]IA[0-9A-Z]{12}|opsk_|sk[-_]|whsec_|bearer\s|basic\s|-----BEGIN",
    re.IGNORECASE,
)
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-", re.IGNORECASE)
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_]{20,}")
_SHORT_RUN: Final = re.compile(r"[A-Za-z0-9]{12,}")
# `https2026`, `oncall2-primary1`: people number things, and rarely more than this.
_DIGITS: Final = 3
# `SlackWebhookToken` changes at a quarter of its letters, chance at more than half of them.
_CHANGES: Final = 0.4


def is_secret(text: str) -> bool:
    """Whether the text is most likely a secret."""
    word = text.strip().lstrip("/")
    return bool(
        "://" in word
        or _TOKEN.match(word)
        or _ID.search(word)
        or any(map(_is_chance, _SHORT_RUN.findall(word)))
        or any("+" in run or "=" in run for run in _RUN.findall(word))
    )


def _is_chance(run: str) -> bool:
    """Letters and digits in turn, or capitals and small letters, several times over; or a very long
    number.
    """
    digits = sum(each.isdigit() for each in run)
    if digits == len(run):
        return True
    turns = len(re.findall(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])", run))
    changes = turns + len(re.findall(r"[a-z](?=[A-Z])|[A-Z](?=[a-z])", run))
    return (digits >= _DIGITS and turns >= _DIGITS) or changes >= _CHANGES * len(run)
