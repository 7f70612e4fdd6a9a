"""How other systems' senders are understood: one module for each protocol, and `wires`, which says
which path belongs to which. A protocol turns a request into an event and the outcome into an answer
in the sender's own dialect. Whatever an event does is the intake's: nothing is decided or written
here. A protocol is imported by the first request that needs it.
"""
