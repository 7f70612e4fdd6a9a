"""The commands that validate, plan, apply and export the configuration. Its files are read by
`files`, and what a plan consists of is decided by `opsknight.config`.
"""
