"""What the functions share: the rules (pure), the store (DynamoDB) and the runtime (process).

The rules are frozen models and functions of their arguments: `incidents`, `commands`, `lifecycle`,
`directory`, `rates`, and for on-call schedules `schedules` and `rotations`. `store` alone knows
keys, item shapes and expressions. `runtime` alone knows the environment, the clock and chance.
"""
