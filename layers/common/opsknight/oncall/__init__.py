"""Who is on call at an instant: schedules, their rotations and overrides. Pure: instants are
arguments, and nothing here knows about incidents.
"""
