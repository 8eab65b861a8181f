-- The webhook GUIDs seen so far. Kept for ever: a replay a year later is still a replay.
CREATE TABLE deliveries (
  guid          TEXT PRIMARY KEY,
  event         TEXT NOT NULL,
  repository_id BIGINT,
  received_at   BIGINT NOT NULL
);

-- Inbox, outbox, clock and work list. A lane is a queue: only its head (lowest live id) can be claimed.
CREATE TABLE jobs (
  id         {ID},
  lane       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  task       TEXT NOT NULL,
  body       {BYTES},                    -- zstd; the raw webhook
  merge_key  TEXT UNIQUE,                -- coalescing; NULL from the first claim on
  pool       TEXT,                       -- NULL: any process; 'host:NODE': that one
  state      TEXT NOT NULL,              -- ready | leased | done | dead
  run_at     BIGINT NOT NULL,            -- earliest next claim: due time, retry time, or end of the lease
  attempt    BIGINT NOT NULL DEFAULT 0,  -- grows with each claim; (id, attempt) is the fence
  failures   BIGINT NOT NULL DEFAULT 0,  -- real errors and lost leases; alone leads to dead
  error      TEXT,
  created_at BIGINT NOT NULL
);
-- Needed on PostgreSQL, where ids become visible out of order.
CREATE UNIQUE INDEX jobs_one_lease ON jobs (lane) WHERE state = 'leased';
CREATE INDEX jobs_due  ON jobs (run_at, id) WHERE state IN ('ready', 'leased');
CREATE INDEX jobs_lane ON jobs (lane, id)   WHERE state IN ('ready', 'leased');
CREATE INDEX jobs_dead ON jobs (id)         WHERE state = 'dead';
