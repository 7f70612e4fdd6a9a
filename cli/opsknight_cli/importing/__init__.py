"""`import`: the configuration of another on-call system, as ours.

`pagerduty` and `opsgenie` know their API and its shapes; what they have in common is here: reading
an export, the entries that are made of it, who is on call by either side, and what is written.
Nothing here reaches a deployment but `finishing`.
"""
