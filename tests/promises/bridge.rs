//! Promise: bridge.
