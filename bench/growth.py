"""Many links at once, written by the database itself: copies of one that was created the usual way, with its event."""

from uuid import UUID

from bench.cluster import sql
from payglot.embedded import Postgres

_COPY = """
WITH template AS (SELECT l AS link, e AS event FROM links l JOIN events e ON e.link_id = l.id
  WHERE l.id = '{template}' AND e.sequence = 1),
made AS (
  INSERT INTO links SELECT r.* FROM template, generate_series({start}, {end}) n, LATERAL (
    SELECT now() - ({total} - n) * interval '10 ms' AS at) moment, LATERAL jsonb_populate_record(link,
      jsonb_build_object('id', uuidv7(), 'created_at', at, 'updated_at', at, 'amount_minor', 100 + n,
        'token', '\\x' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
          || left(md5(random()::text) || md5(n::text), 52),
        'slug', CASE WHEN (link).slug IS NOT NULL THEN 'copy-' || n END,
        'unique_reference', CASE WHEN (link).unique_reference IS NOT NULL THEN 'copy-' || n END)) r
  RETURNING id, created_at)
INSERT INTO events SELECT r.* FROM template, made, LATERAL jsonb_populate_record(event, jsonb_build_object(
  'id', uuidv7(), 'link_id', made.id, 'occurred_at', created_at, 'fanned_out_at', now())) r"""

CHUNK = 50_000


def load(postgres: Postgres, database: str, *, template: UUID, total: int) -> None:
    """Until the template's dialect has `total` links, each with its event; statistics and visibility as after a quiet
    night."""
    dialect = sql(postgres, database, f"SELECT dialect FROM links WHERE id = '{template}'")
    there = int(sql(postgres, database, f"SELECT count(*) FROM links WHERE dialect = '{dialect}'"))
    for start in range(there + 1, total + 1, CHUNK):
        end = min(total, start + CHUNK - 1)
        sql(postgres, database, _COPY.format(template=template, start=start, end=end, total=total))
    sql(postgres, database, "VACUUM ANALYZE links, events")
    sql(postgres, database, "CHECKPOINT")


def wal_bytes(postgres: Postgres) -> int:
    """How much the write-ahead log has grown in all."""
    return int(sql(postgres, "postgres", "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))
