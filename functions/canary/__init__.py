"""Sends the canary on its way: an event that goes through the API like any other. It knows the
address of the API and its own entries of the directory, and nothing of what follows.
"""
