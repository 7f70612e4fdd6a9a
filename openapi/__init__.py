"""The OpenAPI description, made from the routes and models of all functions, so it stands outside
of them. It is never deployed: the function `events` serves the file that this package wrote.
"""
