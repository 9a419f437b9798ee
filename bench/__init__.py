"""Benchmarks against peers and physical limits. Each checks that what it timed was also right."""
