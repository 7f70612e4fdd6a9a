"""Who is paged next, and when: policies, steps, pages and timers of an incident. Pure decisions;
how a page becomes messages belongs to `notification`.
"""
