//! Owns the choice: code's options, overridden by the environment, with the source of each value.
