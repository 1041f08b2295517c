"""Where a database is, as an operator wrote it."""

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from persistence.errors import AddressInvalid


def checked(address: str) -> str:
    """Return the address when it is a connection string that libpq can read.

    Raises:
        AddressInvalid: it is none.
    """
    try:
        conninfo_to_dict(address)
    except ProgrammingError:
        raise AddressInvalid from None
    return address
