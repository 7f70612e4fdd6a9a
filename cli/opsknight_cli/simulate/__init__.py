"""`opsknight simulate`: who would be paged by an event, in a deployment or by a file. Nothing here
decides who is paged (`opsknight.simulation` does), and nothing writes or sends.
"""
