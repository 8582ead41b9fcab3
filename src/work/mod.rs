//! Owns work that does not come over HTTP: a job, a message; its hop and what it carries.
