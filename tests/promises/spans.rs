//! Promise: spans.
