"""A module of an operator that cannot be imported."""

raise RuntimeError("no mail server is configured")
