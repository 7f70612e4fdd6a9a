"""What the functions share: the rules (pure), the store (DynamoDB) and the runtime (process).

The rules are frozen models and functions of their arguments: `incident`, `oncall`, `directory`,
`escalation`, `notification` and `config`. `store` alone knows keys, item shapes and expressions,
`runtime` alone the environment, the clock and chance. `views` and `http` serve people and programs.
"""
