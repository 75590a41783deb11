"""What every service here needs to be a service, and nothing of what any one of them is about."""
