//! What `dfpipe.yml` says of a REST API, key by key.
//!
//! Apart from the rest of the file because an API has more customs than all other sources together.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// A REST API that answers in pages.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCrm {
    /// Scheme, host and path prefix, such as `https://api.crm.example`.
    pub url: String,
    /// Path of the collection, such as `/v1/customers`.
    pub path: String,
    /// Query parameters of every request; `${as_of}`, `${window_start}`, `${window_end}` and
    /// `${run_date}` are filled in at each run.
    #[serde(default)]
    pub query: IndexMap<String, String>,
    /// Further headers of every request, such as a version. Keys belong under `auth`.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// How requests are signed.
    pub auth: Option<RawAuth>,
    /// Where the list of records stands in a page: names joined by dots, `[0]` for a place in a list, `$`
    /// for the whole body. Default: `data`.
    pub records: Option<String>,
    /// A parameter by which the API is asked for the needed fields only.
    pub fields: Option<RawFields>,
    /// The column that the API itself can filter by.
    pub filter: Option<RawFilter>,
    /// How one page leads to the next.
    pub pagination: RawPagination,
    /// Requests allowed in any 60 seconds, up to 100000. Default: 100.
    pub requests_per_minute: Option<u32>,
    /// Seconds until a request is given up. Default: 30.
    pub timeout_seconds: Option<u64>,
    /// How often a failed request is tried again, up to 100. Default: 5.
    pub retries: Option<u32>,
    /// Requests under way at a time, up to 64, where the addresses of pages are known in advance. Default: 4.
    pub concurrency: Option<u32>,
}

/// How requests are signed.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawAuth {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// A header of another name.
    Header(RawNamedKey),
    /// A user and a password.
    Basic(RawBasic),
    /// A parameter of the query; it is never shown.
    Query(RawNamedKey),
    /// A token that is fetched, and fetched again before it expires: `OAuth2` client credentials.
    #[serde(rename = "oauth2")]
    OAuth2(RawOAuth2),
}

/// A key under a name.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNamedKey {
    /// The name.
    pub name: String,
    /// The key.
    pub value: Secret,
}

/// A user and a password.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBasic {
    /// The user; some APIs take their key here.
    pub user: Secret,
    /// The password; may be empty.
    pub password: Option<Secret>,
}

/// `OAuth2` client credentials.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOAuth2 {
    /// Address that gives tokens.
    pub token_url: String,
    /// The client.
    pub client_id: Secret,
    /// Its secret.
    pub client_secret: Secret,
    /// What the token may do, separated by spaces. Default: what the server grants by itself.
    pub scope: Option<String>,
    /// Who the token is for, where the server asks for it.
    pub audience: Option<String>,
}

/// A parameter by which the API is asked for the needed fields only.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFields {
    /// Its name. Default: `fields`.
    pub parameter: Option<String>,
    /// What stands between two fields. Default: `,`.
    pub separator: Option<String>,
}

/// The column that the API itself can filter by.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFilter {
    /// The column, a `timestamp` or a `date`.
    pub column: String,
    /// The parameter of the first moment that is wanted.
    pub from: Option<String>,
    /// The parameter of the first moment that is not.
    pub to: Option<String>,
}

/// How one page leads to the next.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RawPagination {
    /// Pages are numbered.
    PageNumber(RawPageNumber),
    /// A page begins after so many records.
    Offset(RawOffset),
    /// Each page names the next by an opaque cursor in its body.
    Cursor(RawCursor),
    /// Each page names the next by an opaque cursor in a header.
    CursorHeader(RawCursorHeader),
    /// Each page holds the address of the next in its body.
    NextLink(RawNextLink),
    /// Each page holds the address of the next in a `Link` header (RFC 8288, `rel="next"`).
    LinkHeader(RawLinkHeader),
    /// The collection is one page.
    SinglePage(RawSinglePage),
}

/// Numbered pages.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPageNumber {
    /// Name of the page's parameter. Default: `page`.
    pub parameter: Option<String>,
    /// Number of the first page. Default: 1.
    pub first: Option<u64>,
    /// Name of the page size's parameter. Default: `per_page`.
    pub size_parameter: Option<String>,
    /// Records asked for per page, up to 100000. Default: 100.
    pub size: Option<u32>,
    /// Where a page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name. Without it pages are asked for until one is empty.
    pub total: Option<String>,
}

/// Pages that begin after so many records.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOffset {
    /// Name of the parameter that says how many records to leave out. Default: `offset`.
    pub parameter: Option<String>,
    /// Name of the page size's parameter. Default: `limit`.
    pub size_parameter: Option<String>,
    /// Records asked for per page, up to 100000. Default: 100.
    pub size: Option<u32>,
    /// Where a page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name. Without it pages are asked for until one is empty.
    pub total: Option<String>,
}

/// Pages that name their successor in their body.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCursor {
    /// Name of the cursor's parameter. Default: `cursor`.
    pub parameter: Option<String>,
    /// Where a page holds the next cursor. Default: `next_cursor`.
    pub next: Option<String>,
    /// Name of the page size's parameter. Default: `limit`.
    pub size_parameter: Option<String>,
    /// Records asked for per page, up to 100000. Default: 100.
    pub size: Option<u32>,
    /// Where a page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name.
    pub total: Option<String>,
}

/// Pages that name their successor in a header.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCursorHeader {
    /// Name of the cursor's parameter. Default: `cursor`.
    pub parameter: Option<String>,
    /// The header that holds the next cursor. Default: `X-Next-Cursor`.
    pub header: Option<String>,
    /// Name of the page size's parameter. Default: `limit`.
    pub size_parameter: Option<String>,
    /// Records asked for per page, up to 100000. Default: 100.
    pub size: Option<u32>,
    /// Where a page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name.
    pub total: Option<String>,
}

/// Pages that hold the address of their successor in their body.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNextLink {
    /// Where a page holds the address of the next, absolute or relative. Default: `links.next`.
    pub next: Option<String>,
    /// Name of the page size's parameter. Default: `limit`.
    pub size_parameter: Option<String>,
    /// Records asked for per page, up to 100000. Default: 100.
    pub size: Option<u32>,
    /// Where a page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name.
    pub total: Option<String>,
}

/// Pages that hold the address of their successor in a `Link` header.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLinkHeader {
    /// Name of the page size's parameter. Default: `per_page`.
    pub size_parameter: Option<String>,
    /// Records asked for per page, up to 100000. Default: 100.
    pub size: Option<u32>,
    /// Where a page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name.
    pub total: Option<String>,
}

/// One page that holds everything.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSinglePage {
    /// Where the page says how many records there are in all: a path in its body, or `header:` and a
    /// header's name.
    pub total: Option<String>,
}
