//! HTTP as sources and sinks use it: signed requests, a rate budget, retries with back-off.
//!
//! ```text
//! get ─▶ budget (waits for its slot) ─▶ request ─▶ 2xx: body
//!           ▲                              ├─ 429, 5xx, broken, unreadable: back off, again
//!           └──────────────────────────────┘─ 401, 403, 404, …: an error at once
//! ```

mod answer;
mod auth;
mod budget;
mod client;
mod failure;
mod post;

pub use answer::{Allowance, Answer};
pub use client::{Client, Page};
pub use post::post_json;
