"""Who may use the console: officers, what they may do, and how they show that they are themselves."""

from console.accounts.officer import Officer, Role, still

__all__ = ["Officer", "Role", "still"]
