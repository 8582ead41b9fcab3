//! Promise: server.
