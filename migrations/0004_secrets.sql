CREATE TABLE secrets (
  id         {ID},
  name       TEXT NOT NULL,
  repo       TEXT NOT NULL,             -- owner/name, an owner, or *
  env        TEXT NOT NULL DEFAULT '',  -- '': not bound to an environment
  trust      TEXT NOT NULL,             -- protected | pr
  sealed     {BYTES} NOT NULL,          -- nonce, then ciphertext
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  UNIQUE (name, repo, env, trust)
);

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
