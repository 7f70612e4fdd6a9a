"""What is wrong with a deployment, and nobody has noticed yet, judged by its configuration and its
table. Rules only: `opsknight doctor`, the HTTP API and the console say the same. What only AWS
knows is in `opsknight_cli.doctor`.
"""
