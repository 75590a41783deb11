"""Contenders: whose rates are compared, and the servers that stand for them."""
