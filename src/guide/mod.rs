//! The guide: one page for each question. The list of pages below says which.
//!
//! - **To instrument**: [servers], [clients], [gRPC](grpc), [jobs and messages](work), [databases, pools,
//!   queues and caches](dependencies), [drivers and brokers](drivers), [an existing
//!   service](existing), [tests](testing), [recipes] for tower-http, WebSockets and event streams.
//! - **To operate**: [configuration], [outcomes], [log formats](log_formats), [where the lines
//!   go](log_shipping), [Prometheus](prometheus), [alerts and runbooks](on_call), [rehearsals](rehearsal), [faults on
//!   purpose](chaos), [error reports](reports), [sampling], [collectors], [see it with nothing installed](view).
//! - **To decide**: [security], [reliability], [cost], [architecture].
//! - **When something is missing**: [troubleshooting].
//!
//! The names of everything that leaves the process are in [`names`](crate::names), the environment variables in
//! [`variables`](crate::variables()).
//!
//! # Our own words
//!
//! - **Hop**: one piece of work that is observed from beginning to end: a request that is served, a call to another
//!   service, a job, a message. Each hop has one span, one value in a histogram and, unless it is a successful call, one
//!   log line.
//! - **Outcome**: how a hop ended, in one word out of eight, such as `ok` or `timeout`. Span, log line and metric agree on
//!   it; see [outcomes].
//! - **Closing line**: the log line that is written when a hop ends.
//! - **Call**: a request that this process sends. **Work**: a job or a message; see [`Work`](crate::Work).
//!
//! All other words are those of tower, `tracing`, OpenTelemetry and Prometheus.

#[doc = include_str!("architecture.md")]
pub mod architecture {}
#[doc = include_str!("chaos.md")]
pub mod chaos {}
#[doc = include_str!("clients.md")]
pub mod clients {}
#[doc = include_str!("collectors.md")]
pub mod collectors {}
#[doc = include_str!("configuration.md")]
pub mod configuration {}
#[doc = include_str!("cost.md")]
pub mod cost {}
#[doc = include_str!("dependencies.md")]
pub mod dependencies {}
#[doc = include_str!("drivers.md")]
pub mod drivers {}
#[doc = include_str!("existing.md")]
pub mod existing {}
#[doc = include_str!("grpc.md")]
pub mod grpc {}
#[doc = include_str!("log_formats.md")]
pub mod log_formats {}
#[doc = include_str!("log_shipping.md")]
pub mod log_shipping {}
#[doc = include_str!("on_call.md")]
pub mod on_call {}
#[doc = include_str!("outcomes.md")]
pub mod outcomes {}
#[doc = include_str!("prometheus.md")]
pub mod prometheus {}
#[doc = include_str!("recipes.md")]
pub mod recipes {}
#[doc = include_str!("rehearsal.md")]
pub mod rehearsal {}
#[doc = include_str!("reliability.md")]
pub mod reliability {}
#[doc = include_str!("reports.md")]
pub mod reports {}
#[doc = include_str!("sampling.md")]
pub mod sampling {}
#[doc = include_str!("security.md")]
pub mod security {}
#[doc = include_str!("servers.md")]
pub mod servers {}
#[doc = include_str!("testing.md")]
pub mod testing {}
#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}
#[doc = include_str!("view.md")]
pub mod view {}
#[doc = include_str!("work.md")]
pub mod work {}
