"""The configuration as one value: what it holds, how two of them differ, and what would go wrong
with one at night. Pure: the command line reads files, and `store` reads the table.
"""
