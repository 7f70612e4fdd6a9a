"""Status pages that anybody may read: what people post on them, and what a page shows of it. Rules
only; how a page looks is in `functions/status`, and nothing of alerts or people is ever here.
"""
