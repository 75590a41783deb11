"""The machine: processes on it, what they use, and what it is."""
