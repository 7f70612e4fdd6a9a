"""How a message gets to a receiver: one module for each channel, behind one protocol. A channel
reads no table, retries nothing, and answers failures of the outside as outcomes, never exceptions.
"""
