"""Opsgenie's Alert API, as its senders and scripts speak it: alerts made, acted on, read and listed
with an integration key, and who is on call. `protocol` has the paths.

Sources: Opsgenie's and Jira Service Management's documentation, their clients, and Alertmanager's
receiver. What our rules do not have is not invented here (ADR 50).
"""
