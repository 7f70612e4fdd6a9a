"""A simulated night as people read it: an event is played in memory by what a deployment or a file
says, and becomes rows. Writes and sends nothing.
"""
