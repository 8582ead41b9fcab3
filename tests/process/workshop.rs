//! Promise: workshop.
