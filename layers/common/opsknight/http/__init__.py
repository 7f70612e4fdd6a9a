"""What the functions behind API Gateway share: requests, bodies, callers and answers. No route of
its own, and no rule of an incident.
"""
