//! Promise: work.
