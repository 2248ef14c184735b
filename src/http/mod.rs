//! HTTP as sources and sinks use it: signed requests, a rate budget, retries with back-off.
//!
//! ```text
//! get ─▶ sign ─▶ budget (waits for its turn) ─▶ request ─▶ 2xx: page
//!                   ▲  ▲                           ├─ 429, 5xx, broken, unreadable: back off, again
//!                   │  └─ what the server told ◀───┼─ 401 for a fetched token: another token, again
//!                   └──────────────────────────────┴─ 401, 403, 404, …: an error at once
//! ```

mod answer;
mod auth;
mod budget;
mod client;
mod failure;
mod ledger;
mod plain;
mod post;
mod token;

pub use answer::{Allowance, Answer};
pub use budget::{Budget, Permit};
pub use client::{Client, Page, Timeouts};
pub use failure::{Failed, Reason, with_causes};
pub use plain::plain;
pub use post::post_json;
pub use token::Tokens;
