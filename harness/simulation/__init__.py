"""A discrete-event simulation of the deployment: the real code of all functions in virtual time,
over models of DynamoDB, its streams, SQS, Lambda, the schedule and the providers.

Nothing here decides what the product should do; only `judge.py` does, and it sees the product from
outside.
"""
