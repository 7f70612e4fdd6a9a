"""The commands of `opsknight incidents`: listing, showing, watching and acting. They do not decide
what is allowed: `opsknight.incident` does.
"""
