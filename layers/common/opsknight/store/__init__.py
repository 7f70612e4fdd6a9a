"""Every DynamoDB key, item shape, expression and call. Nothing else in the project knows the
tables.
"""
