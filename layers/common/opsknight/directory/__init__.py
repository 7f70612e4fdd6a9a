"""Who and what exists: users, teams, services, keys and receivers, and how many requests a key has
left. Frozen models and small rules; nothing here reads the table.
"""
