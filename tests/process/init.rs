//! Promise: init.
