"""A rehearsed upgrade: an older version is deployed into the AWS of this machine, with its own code
and its own command line, and the present tree over it while monitors post events all the time.

`make rehearse FROM=...` runs it. What monitors saw, what people and places heard and what is stored
are compared by `verdict`, which knows nothing of the product.
"""
