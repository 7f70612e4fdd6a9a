"""`shadow` and `switch`: how far a team is on its way from another system, and whether both would
page the same people.
"""
