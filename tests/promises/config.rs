//! Promise: config.
