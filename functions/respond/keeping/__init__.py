"""What writes keys: a function of its own (`template.yaml`: KeepingFunction), whose role alone may,
so that the way by which people acknowledge cannot. It answers as the rest of the HTTP API does.
"""
