"""Load: as many requests as a server takes, or as many as were asked for."""
