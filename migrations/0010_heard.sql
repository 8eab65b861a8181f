-- What webhooks told of how people work together, one row each; read when the metrics are asked for.
CREATE TABLE signals (
  id          {ID},
  repo_id     BIGINT NOT NULL,            -- 0: of a whole account
  account     TEXT NOT NULL DEFAULT '',   -- which one, where repo_id is 0
  kind        TEXT NOT NULL,              -- opened | drafted | ready | requested | word | approval | head | closed | merged | made | push | joined
  pull        BIGINT NOT NULL,            -- 0: about a branch or a person
  at          BIGINT NOT NULL,
  who         BIGINT NOT NULL,            -- GitHub's id of who came or whose work was merged; 0 for all else
  branch      TEXT NOT NULL,
  sha         TEXT NOT NULL,
  authored_at BIGINT
);
