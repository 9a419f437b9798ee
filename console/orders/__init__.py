"""What an order is before it is a dispatch: drafted, checked, approved, counted down, released. No HTTP here."""
