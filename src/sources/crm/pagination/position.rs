//! Where reading goes on: what is written down of it, so that a run can be resumed at a page.
//!
//! Apart because it goes to a disk that others read. Whoever writes it down seals it: what an API says may hold a key or
//! an e-mail address, and is needed word for word.

use serde::{Deserialize, Serialize};

/// The place before a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Pages before it.
    pub pages: i32,
    /// New records of the pages before it.
    pub records: u64,
    /// Records asked for per page.
    pub size: Option<u32>,
    /// Records of the fullest page.
    pub fullest: u64,
    /// How many records the API said last that there are.
    pub total: Option<u64>,
    /// The fingerprint of the last record before it.
    pub last: Option<u64>,
    /// Where it is.
    pub at: At,
}

/// Where a page is, in its pagination's own terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// The first page.
    Start,
    /// The page with this index, from 0.
    Page(u64),
    /// The page behind so many records.
    Offset(u64),
    /// The page of this cursor.
    Cursor(String),
    /// The page at this address, from its path on.
    Link(String),
}
