"""Every DynamoDB key, item, expression and call; nothing else in the project knows the tables.
What is written, and why, is for the rules to decide.
"""
