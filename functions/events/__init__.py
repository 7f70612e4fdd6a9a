"""The API: an HTTP request in, a decision on one incident, an answer out."""
