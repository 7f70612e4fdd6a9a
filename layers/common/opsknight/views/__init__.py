"""Incidents and schedules as people and programs read them: shapes of the API's JSON, an incident
with all its records, and sentences of its timeline. Reads only; nothing here decides or writes.
"""
