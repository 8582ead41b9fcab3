//! Promise: shutdown.
