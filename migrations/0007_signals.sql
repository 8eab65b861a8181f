-- When something showed that a rollout is bad, and when it was decided to take it back. `failed_at` is from here on
-- only of one that had been live.
ALTER TABLE rollouts ADD COLUMN detected_at BIGINT;
ALTER TABLE rollouts ADD COLUMN decided_at BIGINT;
ALTER TABLE rollouts ADD COLUMN excused BIGINT NOT NULL DEFAULT 0; -- 1: whoever took it back said that it was no failure
ALTER TABLE rollouts ADD COLUMN fixes BIGINT;                      -- the pull request whose damage it mends
UPDATE rollouts SET decided_at = failed_at WHERE failed_at IS NOT NULL;
UPDATE rollouts SET failed_at = NULL WHERE failed_by IS NULL;
-- What a rollout brought, read from GitHub once when it went live: opaque JSON.
CREATE TABLE brought (
  rollout BIGINT PRIMARY KEY,
  body    TEXT NOT NULL,
  read_at BIGINT NOT NULL
);
