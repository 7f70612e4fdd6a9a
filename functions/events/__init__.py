"""Taking events over HTTP: one request in, a decision on one incident, an answer out. Rules and
writes are the layer's; acting on incidents by hand is `respond`.
"""
