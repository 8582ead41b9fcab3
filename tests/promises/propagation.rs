//! Promise: propagation.
