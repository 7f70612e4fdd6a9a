"""Getting one message to one place."""
