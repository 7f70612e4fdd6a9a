"""The web console: its built files, and how people log in. A function of its own, without any route
of the API: no events, no acts, no configuration.
"""
