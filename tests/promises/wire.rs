//! Promise: wire.
