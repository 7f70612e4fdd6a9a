"""The operator's command line: one module or folder for each group of commands. It decides nothing
about incidents, and it is imported by nothing that is deployed.
"""
