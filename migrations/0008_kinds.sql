-- All environments are looked through for what they keep, and those of one repository for who holds them.
CREATE INDEX aggregates_kind ON aggregates (kind, repo_id);
