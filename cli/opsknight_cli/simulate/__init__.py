"""The command `opsknight simulate`: an event played against a deployment or a file. The playing
itself is `opsknight.simulation`.
"""
