"""Access: who sends a request, and whether they may.

It knows principals and scopes, and not what they are for. A way to become a principal is one class
behind `Authenticator`.
"""
