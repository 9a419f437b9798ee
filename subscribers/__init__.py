"""Who: subscribers with places and contacts, the address vault, import, and the columns the engine matches."""
