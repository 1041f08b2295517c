"""How often each address failed to sign in lately.

Who signs in is never slowed down by it, not at the same address either: only what
failed is counted, and only a failure is answered differently.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import Final

FAILURES_MAX: Final = 30  # at once; a page with an expired token makes a handful
FORGIVEN_PER_SECOND: Final = 0.5
ADDRESSES_MAX: Final = 10_000  # about a megabyte; those that failed longest ago are forgotten first
NETWORK_BITS: Final = 64  # of an IPv6 address: what one customer has


class Failures:
    """The failures of one process; an address is a bucket that leaks."""

    def __init__(self) -> None:
        self._levels: Final = OrderedDict[str, tuple[float, float]]()

    def note(self, address: str) -> bool:
        """Count one more, and say whether they are too many."""
        now, name = monotonic(), _network(address)
        level, noted_at = self._levels.pop(name, (0.0, now))
        level = max(0.0, level - (now - noted_at) * FORGIVEN_PER_SECOND)
        self._levels[name] = min(level + 1, FAILURES_MAX + 1.0), now
        if len(self._levels) > ADDRESSES_MAX:
            self._levels.popitem(last=False)
        return level >= FAILURES_MAX

    def __len__(self) -> int:
        return len(self._levels)


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS))
