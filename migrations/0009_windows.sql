-- The minutes of a budget are remembered slice by slice instead of refilled; see src/store/budgets.rs.
ALTER TABLE budgets ADD COLUMN recent TEXT NOT NULL DEFAULT '';
ALTER TABLE budgets DROP COLUMN writes;
ALTER TABLE budgets DROP COLUMN content_minute;
