"""Settings: one typed tree, where every value remembers where it came from."""

from config.load import Configuration, load
from config.settings import Settings

__all__ = ["Configuration", "Settings", "load"]
