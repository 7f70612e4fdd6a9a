"""Who is paged next, and when: policies, steps, rounds and timers of an incident. Pure decisions;
how a page becomes messages is `notification`.
"""
