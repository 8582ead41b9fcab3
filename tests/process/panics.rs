//! Promise: panics.
