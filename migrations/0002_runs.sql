-- One row for each thing that decisions are made about: a pull request, an environment, a cohort.
CREATE TABLE aggregates (
  key        TEXT PRIMARY KEY,
  repo_id    BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  open       BIGINT NOT NULL,
  rev        BIGINT NOT NULL,
  state      TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX aggregates_open ON aggregates (repo_id, kind) WHERE open = 1;

CREATE TABLE runs (
  id          {ID},
  repo_id     BIGINT NOT NULL,
  sha         TEXT NOT NULL,
  pipeline    TEXT NOT NULL,
  digest      TEXT NOT NULL,
  trust       TEXT NOT NULL,
  try_no      BIGINT NOT NULL,
  state       TEXT NOT NULL,   -- queued | running | done
  conclusion  TEXT,
  reuse_key   TEXT,
  spec        TEXT NOT NULL,
  result      TEXT,
  cancel      TEXT,            -- why it should stop; NULL: it should not
  engine      TEXT,
  node        TEXT,
  created_at  BIGINT NOT NULL,
  started_at  BIGINT,
  finished_at BIGINT,
  UNIQUE (repo_id, sha, pipeline, digest, trust, try_no)
);
CREATE INDEX runs_cancel ON runs (id) WHERE cancel IS NOT NULL AND state <> 'done';
CREATE INDEX runs_reuse ON runs (repo_id, reuse_key) WHERE reuse_key IS NOT NULL;

CREATE TABLE run_subjects (
  run_id  BIGINT NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (subject, run_id)
);
CREATE INDEX run_subjects_run ON run_subjects (run_id);

CREATE TABLE log_chunks (
  run_id    BIGINT NOT NULL,
  seq       BIGINT NOT NULL,
  step      BIGINT NOT NULL,
  at        BIGINT NOT NULL,
  raw_bytes BIGINT NOT NULL,
  lines     BIGINT NOT NULL,
  body      {BYTES} NOT NULL,  -- zstd
  PRIMARY KEY (run_id, seq)
);
