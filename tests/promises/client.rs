//! Promise: client.
