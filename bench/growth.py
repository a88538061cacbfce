"""Many links at once, written by the database itself, with the values that creating them would have given."""

from uuid import UUID

from bench.cluster import sql
from payglot.embedded import DATABASE, Postgres

_LOAD = """
WITH made AS (
  INSERT INTO links (id, merchant_id, dialect, mode, status, currency, amount_minor, title, reference, token,
    max_payments, taken, paid, on_failure, expires_at, sequence, created_at, updated_at, extras)
  SELECT uuidv7(), '{merchant}', 'p100', 'test', 'open', 'EUR', 100 + n, NULL, 'order-' || n,
    decode(md5(random()::text || n) || md5(n || random()::text), 'hex'), 1, 0, 0, 'close',
    now() + interval '20 days', 1, now() - n * interval '1 ms', now(),
    jsonb_build_object('amount', ((100 + n) / 100.0)::numeric(20, 2)::text)
  FROM generate_series({start}, {end}) n
  RETURNING id, merchant_id, dialect, amount_minor)
INSERT INTO events (id, merchant_id, dialect, link_id, kind, sequence, occurred_at, snapshot, fanned_out_at)
SELECT uuidv7(), merchant_id, dialect, id, 'link.created', 1, now(),
  jsonb_build_object('before', NULL, 'payment', NULL, 'transfers', '[]'::jsonb, 'link', jsonb_build_object(
    'id', id, 'dialect', dialect, 'status', 'open', 'amount', jsonb_build_object('minor', amount_minor,
    'currency', 'EUR'), 'title', 'Order 12345: two widgets and shipping')), now()
FROM made"""

CHUNK = 50_000


def load(postgres: Postgres, *, merchant: UUID, total: int) -> None:
    """Until there are `total` links, each with its event; statistics and visibility as after a quiet night."""
    there = int(sql(postgres, DATABASE, "SELECT count(*) FROM links"))
    for start in range(there + 1, total + 1, CHUNK):
        sql(postgres, DATABASE, _LOAD.format(merchant=merchant, start=start, end=min(total, start + CHUNK - 1)))
    sql(postgres, DATABASE, "VACUUM ANALYZE links, events")
    sql(postgres, DATABASE, "CHECKPOINT")
