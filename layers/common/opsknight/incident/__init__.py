"""What people work on: the model of an incident, what events, commands and timers do to it, and the
event that a monitor posts. Pure: no AWS, no clock, and nothing about who gets paged.
"""
