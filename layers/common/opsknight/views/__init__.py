"""An incident as people and programs read it: the JSON of the API, an incident with all that
belongs to it, and sentences of its timeline. Reads only; nothing here decides or writes.
"""
