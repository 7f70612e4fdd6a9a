"""Configuration files: reading them with line numbers, checking them, and writing them. Nothing
here knows a deployment or prints.
"""
