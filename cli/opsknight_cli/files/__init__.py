"""The configuration as files: read with positions, checked with sentences, and written."""
