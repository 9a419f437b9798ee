"""Invented towns: believable subscribers for any boundary, and the fictional 川辺町 of the demo and the tests."""
