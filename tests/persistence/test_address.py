"""Addresses of databases."""

import pytest

from persistence.address import checked
from persistence.errors import AddressInvalid


@pytest.mark.parametrize("address", ["nonsense", "host='unclosed", "hots=localhost", "postgresql://[::1"])
def test_what_is_no_address_is_refused_without_its_text(address: str) -> None:
    """A connection string may hold a password, so the error names the setting and repeats nothing."""
    with pytest.raises(AddressInvalid) as refusal:
        checked(address)
    assert address not in str(refusal.value)
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize("address", ["postgresql://user:word@host:5432/name", "host=/tmp dbname=x", ""])
def test_an_address_is_passed_on_as_it_is(address: str) -> None:
    """URLs, pairs and the empty string, which means libpq's defaults, are addresses."""
    assert checked(address) == address
