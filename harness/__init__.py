"""What tests share: a DynamoDB to run against, a world with a service and its keys, a clock that
tests move.
"""
