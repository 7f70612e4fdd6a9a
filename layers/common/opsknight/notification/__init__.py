"""What becomes of a page or a change: recipients, deliveries, the pace of receivers, the facts of a
message and its signed link. Pure; words and layout belong to the channels of `functions/notify`.
"""
