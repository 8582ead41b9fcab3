//! Owns HTTP: the tower layer, its service, future and body, for the server's side and for the client's.

mod options;

pub use options::{ObservabilityLayer, Trust};
