"""Public status pages: the worker that renders them into a bucket, and the function that serves
them from there. Neither pages anybody, and the one that serves does not know the table.
"""
