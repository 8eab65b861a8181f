CREATE TABLE repos (
  id              BIGINT PRIMARY KEY,
  installation_id BIGINT NOT NULL,
  owner           TEXT NOT NULL,
  name            TEXT NOT NULL,
  default_branch  TEXT NOT NULL,
  comments_cursor TEXT,
  updated_at      BIGINT NOT NULL
);
CREATE INDEX repos_name ON repos (LOWER(owner), LOWER(name));

-- What GitHub's side was last brought to, so that an unchanged thing is not written again.
CREATE TABLE mirrors (
  key        TEXT PRIMARY KEY,
  remote_id  BIGINT,
  hash       TEXT NOT NULL,
  note       TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE commands (
  comment_id BIGINT PRIMARY KEY,
  subject    TEXT NOT NULL,
  author     TEXT NOT NULL,
  text       TEXT NOT NULL,
  sha        TEXT,
  state      TEXT NOT NULL,
  answer     TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX commands_subject ON commands (subject, comment_id);

-- Writes left for each installation, in thousandths of a write.
CREATE TABLE budgets (
  installation_id BIGINT PRIMARY KEY,
  writes          BIGINT NOT NULL,
  content_minute  BIGINT NOT NULL,
  content_hour    BIGINT NOT NULL,
  refilled_at     BIGINT NOT NULL,
  blocked_until   BIGINT NOT NULL DEFAULT 0
);
