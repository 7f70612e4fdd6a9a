"""Measures the figures that documents quote, on this machine (`make bench`). Each module measures
one kind of figure; none decides how OpsKnight works, and no test imports them.
"""
