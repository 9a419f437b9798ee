"""The state of everything that sends, as somebody across the room has to see it."""
