//! Promise: metrics.
