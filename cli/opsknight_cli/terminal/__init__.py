"""The options, printing, times and names that commands share. No command lives here, and nothing
that only one command needs.
"""
