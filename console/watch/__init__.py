"""Watching a dispatch, stopping it, and what is known of it afterwards. Nothing here speaks HTTP."""
