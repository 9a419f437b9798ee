"""The composition root: command line, wiring, embedded servers, migrations, demo."""

__version__ = "0.1.0"
