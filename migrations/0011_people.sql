-- Who is signed in on the pages. Nothing here opens a session: the cookie's id is kept as its SHA-256 alone.
CREATE TABLE sessions (
  id         TEXT PRIMARY KEY,
  user_id    BIGINT NOT NULL,  -- GitHub's number
  login      TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- The states of sign-ins that came back: each is taken once.
CREATE TABLE used_states (
  state TEXT PRIMARY KEY,      -- SHA-256
  at    BIGINT NOT NULL
);
CREATE INDEX used_states_at ON used_states (at);

-- What people did on the pages, and what came of it.
CREATE TABLE audit (
  id      {ID},
  at      BIGINT NOT NULL,
  who     TEXT NOT NULL,
  user_id BIGINT,              -- NULL: whoever has the token
  what    TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT                 -- NULL: it was begun, and its end is not known
);
