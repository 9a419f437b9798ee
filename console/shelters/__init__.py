"""The board of shelters: which are open, crowded, full or closed, as officers on the spot say."""
