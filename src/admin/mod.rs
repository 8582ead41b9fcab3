//! Owns the admin listener: `/metrics`, `/live`, `/ready`, `/log-level`.

mod options;

pub use options::Admin;
