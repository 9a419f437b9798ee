"""Where an order applies, as an officer gives it: drawn, picked by name, pasted, or around a point."""
