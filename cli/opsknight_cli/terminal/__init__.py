"""What commands share: options, printing, times, and names as operators type them. No command lives
here, and nothing that only one command needs.
"""
