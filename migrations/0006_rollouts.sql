-- One row a rollout. What five years of metrics need stands in columns of its own; how it got there, in `state`.
CREATE TABLE rollouts (
  id               {ID},
  repo_id          BIGINT NOT NULL,
  environment      TEXT NOT NULL,
  number           BIGINT NOT NULL,            -- the environment's how manieth, from 1
  kind             TEXT NOT NULL,              -- planned | hotfix | rollback | config
  sha              TEXT NOT NULL,
  base_sha         TEXT,                       -- what was live before
  release          TEXT NOT NULL,              -- digest of what was exported
  pull             BIGINT,
  spec             TEXT NOT NULL,              -- what it is to do, as decided when it began
  state            TEXT,                       -- where it stands; NULL until somebody looked
  orders           TEXT NOT NULL DEFAULT '[]', -- what people said to it meanwhile
  accepted_at      BIGINT NOT NULL,
  build_done_at    BIGINT NOT NULL,
  first_traffic_at BIGINT,
  full_at          BIGINT,
  ended_at         BIGINT,
  outcome          TEXT,                       -- live | aborted_auto | aborted_manual | failed_before_traffic | superseded | cancelled
  decision         TEXT,                       -- the verdict in words
  max_weight       BIGINT NOT NULL DEFAULT 0,  -- basis points
  exposure         BIGINT NOT NULL DEFAULT 0,  -- basis points x milliseconds
  bad_requests     BIGINT NOT NULL DEFAULT 0,
  failed_at        BIGINT,                     -- a live one that was taken back later
  failed_by        TEXT,                       -- rollback | revert | hotfix | incident
  restored_at      BIGINT,
  updated_at       BIGINT NOT NULL,
  UNIQUE (repo_id, environment, number)
);
-- Two rollouts never touch one environment.
CREATE UNIQUE INDEX rollouts_one ON rollouts (repo_id, environment) WHERE ended_at IS NULL;
CREATE INDEX rollouts_recent ON rollouts (accepted_at);
