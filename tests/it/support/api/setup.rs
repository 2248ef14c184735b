//! What kind of API it is: chosen by the test, and then the same for its whole life.

use std::time::Duration;

use super::{Paging, Signing};

/// The kind of an API.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit of APIs, on or off"
)]
pub(crate) struct Setup {
    pub(crate) paging: Paging,
    pub(crate) signing: Signing,
    /// Where the list of records stands.
    pub(crate) records_at: RecordsAt,
    /// Whether it says how many records there are.
    pub(crate) has_total: bool,
    /// How many records it gives at a time at most, whatever is asked.
    pub(crate) most: usize,
    /// How many records dfpipe is to ask for at a time.
    pub(crate) size: usize,
    /// Whether it names a further page as long as the last one was not empty.
    pub(crate) ends_with_an_empty_page: bool,
    /// What it does instead of ending, if it never ends.
    pub(crate) endless: Option<Endless>,
    /// What it puts into its cursors and links, beside what it needs.
    pub(crate) tells_in_cursors: &'static str,
    /// Whether links have a host.
    pub(crate) has_absolute_links: bool,
    /// The host that links have, if not its own.
    pub(crate) links_lead_to: Option<String>,
    /// The status of a page whose cursor it does not know.
    pub(crate) status_of_forgotten_cursors: u16,
    /// Whether it knows the end of the window, and not only its start.
    pub(crate) knows_updated_before: bool,
    /// So many requests in any stretch of this length.
    pub(crate) limit: Option<(usize, Duration)>,
    /// Whether it says so in headers.
    pub(crate) announces_its_limit: bool,
    pub(crate) encoding: Option<Encoding>,
    /// Whether it speaks over encrypted connections only, with a certificate for localhost.
    pub(crate) is_encrypted: bool,
    /// Whether it takes a moment for each answer, so that others are asked for meanwhile.
    pub(crate) is_slow: bool,
}

/// How pages go on behind the last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endless {
    /// Each is empty, and names another one.
    Empty,
    /// Each is the last one again, and names another one.
    Same,
}

/// How a body is packed for who can unpack it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Zstd,
}

/// Where the list of records stands in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordsAt {
    /// `data`.
    Data,
    /// `result.lists[0].records`.
    Deep,
    /// The body is the list.
    Body,
}

impl RecordsAt {
    /// What `records:` says.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Deep => "result.lists[0].records",
            Self::Body => "$",
        }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            paging: Paging::PageNumber,
            signing: Signing::Bearer,
            records_at: RecordsAt::Data,
            has_total: true,
            most: usize::MAX,
            size: 100,
            ends_with_an_empty_page: false,
            endless: None,
            tells_in_cursors: "",
            has_absolute_links: true,
            links_lead_to: None,
            status_of_forgotten_cursors: 410,
            knows_updated_before: false,
            limit: None,
            announces_its_limit: false,
            encoding: None,
            is_encrypted: false,
            is_slow: false,
        }
    }
}

impl Setup {
    /// An API with this pagination that gives so many records at a time.
    pub(crate) fn paged(paging: Paging, size: usize) -> Self {
        Self {
            paging,
            size,
            ..Self::default()
        }
    }
}
