//! Promise: logs.
