"""How a message gets to a receiver: one module for each channel, behind one protocol.

What goes wrong outside is an answer, never an exception.
"""
