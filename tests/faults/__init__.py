"""The fault harness: real servers and processes, broken on purpose, and a checker that judges what is left."""
