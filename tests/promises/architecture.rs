//! Promise: architecture.
