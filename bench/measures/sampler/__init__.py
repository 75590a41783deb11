"""Sampler: has a server's workers take samples of themselves; see `bench.measures.profile`."""
