"""What the functions share: the rules (pure), the store (DynamoDB) and the runtime (process).

Rules are `incidents`, `directory` and `rates`: frozen models and functions of their arguments.
`store` alone knows keys, item shapes and expressions. `runtime` alone knows the environment, the
clock and chance.
"""
