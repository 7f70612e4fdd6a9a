"""What rules must not have: settings, clock, chance, logs, metrics, AWS clients, queues, secrets.
Nothing here is read, drawn or connected at import, as SnapStart twins would share it.
"""
