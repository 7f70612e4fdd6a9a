"""What the functions share: the rules (pure), the store (DynamoDB) and the runtime (process).

The rules are frozen models and functions of their arguments: `incident`, `oncall`, `directory`,
`escalation`, `notification` and `config`. `store` alone knows keys, item shapes and expressions,
`runtime` alone the environment, the clock and chance. `views` and `http` serve people and programs.
"""

import gc

# What an import makes lives as long as the process, so collections during it find nothing, and they
# took a seventh of what our modules add to a cold start (ADR 65). A request leaves few cycles.
gc.set_threshold(50_000, 20, 50)
