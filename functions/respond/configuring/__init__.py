"""The configuration over HTTP: a function of its own (`template.yaml`: ConfigurationFunction). Its
role alone may write it, so that the way by which people acknowledge cannot, and its package alone
has PyYAML. It answers as the rest of the HTTP API does.
"""
