//! Promise: sampling.
