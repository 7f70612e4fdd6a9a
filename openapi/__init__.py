"""The OpenAPI description of every route, whichever function answers it. Outside of the functions,
as it knows the wire models of all of them; never deployed, as they serve what it wrote.
"""
