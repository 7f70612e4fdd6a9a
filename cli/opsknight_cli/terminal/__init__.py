"""What every command needs of a terminal: printing, times, and names as operators type them. No
command and no call to AWS lives here.
"""
