"""Who is subscribed: how many for everybody, and one person for whoever has a reason that is put on record."""
