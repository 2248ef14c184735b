//! A REST API as it is meant: where it is, how requests are signed, how pages follow each other.
//!
//! Apart from the other sources because it is what a reader of `sources/crm` and `http` needs to know,
//! and nothing else.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::Secret;

/// A REST API that answers in pages.
#[derive(Clone, Debug)]
pub struct Crm {
    /// Address of the collection.
    pub url: Url,
    /// Query parameters of every request.
    pub query: Vec<(String, String)>,
    /// Those of them whose values come from variables, and may be keys.
    pub hidden: Vec<String>,
    /// Further headers of every request.
    pub headers: Vec<(String, String)>,
    /// How requests are signed.
    pub auth: Option<Arc<Auth>>,
    /// Where a page holds its records.
    pub records: Vec<String>,
    /// How the API is asked for the needed fields only.
    pub fields: Option<Fields>,
    /// The column that the API itself can filter by.
    pub filter: Option<Filter>,
    /// How one page leads to the next.
    pub pagination: Paging,
    /// Requests allowed in any 60 seconds.
    pub requests_per_minute: u32,
    /// Until a request is given up.
    pub timeout: Duration,
    /// How often a failed request is tried again.
    pub retries: u32,
    /// Requests under way at a time.
    pub concurrency: usize,
}

impl Crm {
    /// Its address, without what may be a key.
    pub fn shown(&self) -> String {
        shown(&self.url)
    }

    /// The API at `url` with default settings, for tests.
    ///
    /// # Panics
    ///
    /// If `url` is none.
    #[cfg(test)]
    pub fn plain(url: &str, pagination: Paging) -> Self {
        Self {
            url: url.parse().unwrap(),
            query: vec![],
            hidden: vec![],
            headers: vec![],
            auth: None,
            records: vec!["data".into()],
            fields: None,
            filter: None,
            pagination,
            requests_per_minute: 100,
            timeout: Duration::from_secs(1),
            retries: 0,
            concurrency: 4,
        }
    }
}

/// An address without its query, which may hold keys, and without credentials.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for addresses without a host, which the configuration refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// How requests are signed.
#[derive(Clone, Debug)]
pub struct Auth {
    /// By what.
    pub way: Way,
    /// The setting that holds the key and the variables that it reads, for messages: such as
    /// `` `sources.crm.from.auth.bearer` (read from `CRM_API_KEY`) ``.
    pub setting: String,
}

/// By what requests are signed.
#[derive(Clone, Debug)]
pub enum Way {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// A header of another name.
    Header(NamedKey),
    /// A user and a password.
    Basic {
        /// The user.
        user: Secret,
        /// The password.
        password: Secret,
    },
    /// A parameter of the query.
    Query(NamedKey),
    /// A token that is fetched.
    OAuth2(OAuth2),
}

/// A key under a name.
#[derive(Clone, Debug)]
pub struct NamedKey {
    /// The name.
    pub name: String,
    /// The key.
    pub value: Secret,
}

/// `OAuth2` client credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2 {
    /// Address that gives tokens.
    pub token_url: Url,
    /// The client.
    pub client_id: Secret,
    /// Its secret.
    pub client_secret: Secret,
    /// What the token may do.
    pub scope: Option<String>,
    /// Who the token is for.
    pub audience: Option<String>,
}

impl Auth {
    /// All that must not be shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        match &self.way {
            Way::Bearer(key) => vec![key],
            Way::Header(named) | Way::Query(named) => vec![&named.value],
            Way::Basic { user, password } => vec![user, password],
            Way::OAuth2(client) => vec![&client.client_id, &client.client_secret],
        }
    }
}

/// How the API is asked for the needed fields only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Name of the parameter.
    pub parameter: String,
    /// What stands between two fields.
    pub separator: String,
}

/// The column that the API itself can filter by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// The parameter of the first moment that is wanted.
    pub from: Option<String>,
    /// The parameter of the first moment that is not.
    pub to: Option<String>,
}

/// How one page leads to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// By what.
    pub kind: PagingKind,
    /// How the API is told how many records a page may hold; `None` for a single page.
    pub size: Option<PageSize>,
    /// Where a page says how many records there are in all.
    pub total: Option<Total>,
}

/// The size of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Name of its parameter.
    pub parameter: String,
    /// Records asked for.
    pub records: u32,
}

/// By what one page leads to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PagingKind {
    /// Pages are numbered.
    PageNumber {
        /// Name of the parameter.
        parameter: String,
        /// Number of the first page.
        first: u64,
    },
    /// A page begins after so many records.
    Offset {
        /// Name of the parameter.
        parameter: String,
    },
    /// A cursor in the body.
    Cursor {
        /// Name of the parameter.
        parameter: String,
        /// Where it stands.
        next: Vec<String>,
    },
    /// A cursor in a header.
    CursorHeader {
        /// Name of the parameter.
        parameter: String,
        /// Name of the header.
        header: String,
    },
    /// An address in the body.
    NextLink {
        /// Where it stands.
        next: Vec<String>,
    },
    /// An address in a `Link` header.
    LinkHeader,
    /// The first page is the last.
    SinglePage,
}

/// Where a page says how many records there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// At a path of its body.
    Body(Vec<String>),
    /// In a header.
    Header(String),
}

impl Total {
    /// As it is written in the file.
    pub fn written(&self) -> String {
        match self {
            Self::Body(path) => super::path::written(path),
            Self::Header(name) => format!("header:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn an_address_is_shown_without_query_and_credentials() {
        let url = "https://user:secret@crm.test/v1?key=secret#x"
            .parse()
            .unwrap();
        assert_eq!(shown(&url), "https://crm.test/v1");
    }
}
