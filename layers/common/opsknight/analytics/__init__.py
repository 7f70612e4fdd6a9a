"""Figures about incidents that are over: how soon they were acknowledged and resolved, whom they
paged and when. Pure. What a day had is made anew from its incidents, and never counted up.
"""
