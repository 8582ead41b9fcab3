//! What several promises need: one file per helper.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part

pub mod authority;
pub mod child;
pub mod collector;
pub mod ecs;
pub mod exposition;
pub mod failures;
pub mod hostile;
pub mod http;
pub mod port;
pub mod program;
pub mod reports;
pub mod repository;
pub mod scene;
pub mod server;
pub mod silent;
