"""What a process has and a rule must not: environment, clock, chance, logger, AWS clients, queues
and secrets. Nothing is read, drawn or connected at import, as SnapStart twins would share it.
"""
