"""Steps 5 and 6: watching, stopping, and what comes afterwards."""
