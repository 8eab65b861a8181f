//! Room `project`.
