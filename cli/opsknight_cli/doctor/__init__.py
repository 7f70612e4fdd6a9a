"""`opsknight doctor`: checks a deployment, and says how to fix what is wrong. Nothing here writes,
and nothing reads the value of a secret.
"""
