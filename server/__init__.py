"""HTTP, the command line and the wiring: everything that faces outwards."""

__version__ = "0.1.0"
