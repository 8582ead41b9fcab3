//! Owns a hop in another language, with the official SDK, in the middle of the workshop.
