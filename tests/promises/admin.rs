//! Promise: admin.
