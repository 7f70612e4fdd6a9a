"""The inbox: plays every provider that messages go to, and shows what each receiver would see.

A page at `/`, a read API for tests at `/_messages`, and answers on demand by `/_control`. Nothing
here is deployed.
"""
