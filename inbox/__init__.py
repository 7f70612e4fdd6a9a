"""A local stand-in for every provider that OpsKnight sends to. It shows each message as its
receiver would see it: to people on a page at `/`, to tests at `/_messages`; `/_control` scripts its
answers.

Nothing in here is deployed. Of OpsKnight itself it knows only the names of the channels.
"""
