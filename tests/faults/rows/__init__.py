"""The rows of the fault matrix, a scenario each. Every module here is imported, by the order of names."""
