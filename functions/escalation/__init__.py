"""Decides who is paged next and when, and notices when nobody is left to page. It sends no message
to a person; that is up to the notify functions.
"""
