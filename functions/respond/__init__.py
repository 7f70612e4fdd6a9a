"""How people act on incidents: pages behind links, buttons in Slack, replies by text message, and
the HTTP API for programs. Rules and writes are the layer's; what a person asks to be sent is
planned here, and sent by the notify functions.
"""
