"""The configuration as one value: what it holds, what changes from one to the next, and what would
go wrong with it at night. Pure; files are read by the command line, and the table by `store`.
"""
