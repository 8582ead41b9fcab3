//! Promise: exactly_once.
