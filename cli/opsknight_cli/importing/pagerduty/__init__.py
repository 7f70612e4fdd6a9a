"""PagerDuty: the shapes of its REST API v2, and what becomes of each here."""
