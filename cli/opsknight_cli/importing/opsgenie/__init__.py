"""Opsgenie: the shapes of its REST API, and what becomes of each here."""
