"""The commands of `opsknight incidents`: listing, showing and acting. What is allowed is decided by
`opsknight.incident`, not here.
"""
