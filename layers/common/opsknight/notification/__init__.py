"""From a page or a change to its messages: recipients, deliveries, throttling, facts and signed link
of a message. Pure rules; wording and layout belong to `functions/notify/channels`.
"""
