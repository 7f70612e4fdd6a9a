"""Who and what exists: users, teams, services, keys, receivers, and how many requests a key has.
Frozen models and small rules; nothing here reads the table.
"""
