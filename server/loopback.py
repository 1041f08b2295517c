"""Whether an address is this machine's alone."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
