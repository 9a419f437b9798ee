"""The record of what officers do: only ever added to, each row bound to all before it."""

from console.audit.record import Connection, record

__all__ = ["Connection", "record"]
