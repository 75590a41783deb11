"""Access to the audit service: its scopes, where its tokens are, and what is told of both."""
