-- Whose turn is it: how many runs of a repository have not ended.
CREATE INDEX runs_unfinished ON runs (repo_id) WHERE state <> 'done';
