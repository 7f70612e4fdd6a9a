"""Acting on incidents over HTTP: pages behind links, buttons in Slack, and the HTTP API for
programs. Rules and writes are the layer's; nothing here sends a message.
"""
