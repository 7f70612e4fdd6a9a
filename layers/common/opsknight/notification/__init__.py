"""From a page or a change to its messages: recipients, deliveries, throttling, the facts in a
message and its signed link. Pure rules; words and layout belong to `functions/notify/channels`.
"""
