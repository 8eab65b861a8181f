//! Room `github`.
