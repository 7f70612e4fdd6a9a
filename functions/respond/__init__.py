"""How people act: the page behind a link in a message, the buttons in Slack, and the HTTP API."""
