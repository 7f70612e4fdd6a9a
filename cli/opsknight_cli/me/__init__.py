"""`me`: how the reader is reached, and what of it is theirs to change. Commands for other people's
are elsewhere (`contact`).
"""
