//! Promise: export.
