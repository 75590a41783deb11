"""Sampler that a server's workers run on themselves: see `bench.profile`."""
