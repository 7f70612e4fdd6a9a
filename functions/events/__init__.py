"""Taking events over HTTP: one request in, a decision on one incident, an answer out. Rules and
writes are the layer's; whatever else people do with incidents is `respond`.
"""
