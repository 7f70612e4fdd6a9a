"""What other tools send, made into events: drafts that every protocol fills in, presets that say
where a tool's payload has what, and the routes of an integration. Nothing here reads or writes
anything; HTTP and keys are the function's.
"""
