"""`integrations`: how to connect a tool, and what its payloads become."""
