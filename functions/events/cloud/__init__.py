"""AWS's own events: from its queue, and from topics of SNS over HTTPS. What each says is in
`opsknight.integrations`; here is whose it is, whether it is too late, and what becomes of it.
"""
