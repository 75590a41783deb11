"""Kit of a service: all that the services share, and nothing of what any of them is about."""
