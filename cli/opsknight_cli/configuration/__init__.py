"""The commands that validate, plan, apply and export the configuration. They do not read files
(`files` does), and they do not decide what changes (`opsknight.config` does).
"""
