"""All rows of the program's tables in one line each: what a late write would change."""

from typing import Final

from tests.faults.site import Site

TABLES: Final = """
    select relname as name from pg_class
    where relnamespace = 'planwright'::regnamespace and relkind = 'r' and relname <> 'upkeep' order by relname
"""


AGED: Final = "where coalesce(charged_at, 'infinity') >= to_timestamp(%s)"  # upkeep removes what is minutes old


async def checksums(site: Site, since: float) -> dict[str, str]:
    """Return a digest of each table's rows, in whatever order they are stored; of charges, those made since then."""
    tables = [str(row["name"]) for row in await site.rows(TABLES)]
    parts = [
        f"select '{name}' as name, md5(coalesce(string_agg(t::text, '' order by t::text), '')) as digest"  # noqa: S608
        f' from planwright."{name}" t {AGED if name == "charges" else ""}'
        for name in tables
    ]
    return {row["name"]: row["digest"] for row in await site.rows(" union all ".join(parts), since)}
