"""Sending an approved live evacuation while there is no database: by an officer's explicit order, from memory and a journal.

The data's way: while the database takes writes, the emergency post of a data directory (station.py) reads every
second what changed in live evacuations that are not through, and holds it in memory (memory.py): words, batches with
their keys and exact members, and how each stands; what its own process has in hand, or had since the last reading, it
knows whole and to the last call (in_hand.py), and the others of its directory tell it when the database is gone
(neighbours.py). Nothing is written to the local disk. When the database has been silent for longer than any worker
starts calls and any call lasts, the gate of the data directory is shut (gate.py) and what is left of each evacuation
is written to a journal (leaving.py, journal.py): batches with their sealed addresses, never one in clear; who stands
in no batch yet is planned from the columns in memory (cutting.py), with keys that follow from dispatch, words and
members. An officer orders it; a sender like the ordinary one (same channels, limits, retries, kill switch) then works
over the journal (store.py): an intent is on disk before a call's first byte leaves, an outcome after. When the
database is back nothing more is begun, calls under way end, and the journal is merged (merging.py) before this
directory's processes claim or plan anything: outcomes only ever rise, attempts are kept under the officer's order,
and who stands in a batch as well that the database had and nobody here knew of is called by one of the two
(overlaps.py). Then other servers that were cut off too are given a moment (roll_call.py), the gate opens, and the
ordinary engine goes on with what is left.

What holds, and what cannot: docs/degraded.md.
"""
