"""HTTP for the functions behind API Gateway: requests, bodies, callers, limits, routing and
answers. The routes themselves are the functions', and rules of incidents are not here.
"""
