"""The store: one DuckDB file, rows that are only ever added to, and the audit chain over them."""
