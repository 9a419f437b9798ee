"""/api/v1: what programs may do, as JSON."""
