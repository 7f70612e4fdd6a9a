"""Plans the messages about pages and changes, sends each, and takes providers' reports. Whom a step
pages is decided by the escalation function, never here.
"""
