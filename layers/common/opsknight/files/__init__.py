"""The text of a configuration file, read with line numbers, checked, and written again; and what a
plan says. Nothing here reads a disk or prints. It needs PyYAML, which only those have who handle
files: the command line, and the package of ConfigurationFunction.
"""
