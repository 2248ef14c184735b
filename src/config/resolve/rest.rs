//! A REST API: from what the file says to what is meant.
//!
//! Apart from the other sources because an API has more that can contradict itself: the same parameter set
//! twice, a filter by a column that is not there, a key where it would be shown.

use std::{sync::Arc, time::Duration};

use super::{Resolver, TIMEOUTS, is_http};
use crate::config::{
    Auth, Column, ColumnType, Crm, Fields, Filter, NamedKey, OAuth2, PageSize, Paging, PagingKind,
    Secret, Total, Way,
    interpolate::variables,
    raw::{RawAuth, RawCrm, RawFields, RawFilter, RawNamedKey, RawOAuth2, RawPagination},
};

/// Headers that hold keys, or that belong to the client.
const NOT_PLAIN: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
];

/// Where an API stands in the file: in which source, and where in it.
pub(super) struct Here<'a>(pub &'a str, pub &'a [&'a str]);

impl<'a> Here<'a> {
    pub(super) fn at(&self, path: &[&'a str]) -> Vec<&'a str> {
        [&["sources", self.0], self.1, path].concat()
    }
}

impl Resolver<'_> {
    /// The API of the source called `source`, whose columns are `columns`.
    pub(super) fn crm(&mut self, source: &str, columns: &[Column], raw: RawCrm) -> Crm {
        let here = Here(source, &["from"]);
        let address = format!("{}{}", raw.url.trim_end_matches('/'), raw.path);
        let url = self.address(&here, &address);
        let auth = raw.auth.map(|auth| Arc::new(self.auth(&here, auth)));
        let pagination = self.paging(&here, raw.pagination);
        self.headers(&here, raw.headers.keys());
        let filter = raw.filter.map(|raw| self.filter(&here, columns, raw));
        let fields = raw.fields.map(|raw| self.fields(&here, raw));
        self.is_set_once(
            &here,
            &pagination,
            auth.as_deref(),
            fields.as_ref(),
            &raw.query,
        );
        let requests_per_minute = raw.requests_per_minute.unwrap_or(100);
        let timeout = raw.timeout_seconds.unwrap_or(30);
        let retries = raw.retries.unwrap_or(5);
        let concurrency = raw.concurrency.unwrap_or(4);
        for (name, value, range) in [
            (
                "requests_per_minute",
                requests_per_minute.into(),
                1..=100_000,
            ),
            ("timeout_seconds", timeout, TIMEOUTS),
            ("retries", retries.into(), 0..=100),
            ("concurrency", concurrency.into(), 1..=64),
        ] {
            self.between(&here.at(&[]), name, value, range);
        }
        let is_hidden = |name: &&String| {
            let node = self.places.node(&here.at(&["query", name]));
            node.is_some_and(|node| !variables(node).is_empty())
        };
        let hidden = raw.query.keys().filter(is_hidden).cloned().collect();
        Crm {
            url,
            hidden,
            query: raw.query.into_iter().collect(),
            headers: raw.headers.into_iter().collect(),
            auth,
            records: self.path(
                &here.at(&["records"]),
                raw.records.as_deref().unwrap_or("data"),
            ),
            fields,
            filter,
            pagination,
            requests_per_minute,
            timeout: Duration::from_secs(timeout),
            retries,
            concurrency: concurrency as usize,
        }
    }

    pub(super) fn address(&mut self, here: &Here<'_>, address: &str) -> url::Url {
        self.check(is_http(address), &here.at(&["url"]), || {
            format!("the address of `{}` is not an http or https URL", here.0)
        });
        url_or_invalid(address)
    }

    pub(super) fn auth(&mut self, here: &Here<'_>, raw: RawAuth) -> Auth {
        let (way, path): (_, &[&str]) = match raw {
            RawAuth::Bearer(key) => (Way::Bearer(key), &["auth", "bearer"]),
            RawAuth::Header(raw) => (Way::Header(named(raw)), &["auth", "header", "value"]),
            RawAuth::Basic(raw) => {
                self.check(
                    !raw.user.expose().contains(':'),
                    &here.at(&["auth", "basic", "user"]),
                    || {
                        "`auth.basic.user` holds a `:`, which no user of basic authentication can"
                            .to_owned()
                    },
                );
                let password = raw.password.unwrap_or_else(|| Secret::new(""));
                (
                    Way::Basic {
                        user: raw.user,
                        password,
                    },
                    &["auth", "basic"],
                )
            }
            RawAuth::Query(raw) => {
                self.is_not_empty(&here.at(&["auth", "query", "name"]), &raw.name);
                (Way::Query(named(raw)), &["auth", "query", "value"])
            }
            RawAuth::OAuth2(raw) => (
                Way::OAuth2(self.oauth2(here, raw)),
                &["auth", "oauth2", "client_secret"],
            ),
        };
        let setting = self.setting(&here.at(path));
        let auth = Auth { way, setting };
        let lacks_key = auth
            .secrets()
            .first()
            .is_some_and(|key| key.expose().is_empty());
        self.check(!lacks_key, &here.at(path), || {
            format!("{} is empty", auth.setting)
        });
        auth
    }

    fn oauth2(&mut self, here: &Here<'_>, raw: RawOAuth2) -> OAuth2 {
        let place = here.at(&["auth", "oauth2", "token_url"]);
        self.check(is_http(&raw.token_url), &place, || {
            "`auth.oauth2.token_url` is not an http or https URL".to_owned()
        });
        OAuth2 {
            token_url: url_or_invalid(&raw.token_url),
            client_id: raw.client_id,
            client_secret: raw.client_secret,
            scope: raw.scope.filter(|scope| !scope.is_empty()),
            audience: raw.audience.filter(|audience| !audience.is_empty()),
        }
    }

    /// A setting by its name, with the variables that it and what is below it read: never their values.
    fn setting(&self, path: &[&str]) -> String {
        let name = format!("`{}`", path.join("."));
        let node = self.places.node(path);
        let variables: Vec<_> = node.iter().flat_map(|node| variables(node)).collect();
        if variables.is_empty() {
            return name;
        }
        let variables: Vec<_> = variables.iter().map(|it| format!("`{it}`")).collect();
        format!("{name} (read from {})", variables.join(", "))
    }

    fn headers<'n>(&mut self, here: &Here<'n>, names: impl Iterator<Item = &'n String>) {
        for name in names {
            let place = here.at(&["headers", name]);
            self.check(is_token(name), &place, || {
                format!("`{name}` cannot be the name of a header")
            });
            let is_plain = !NOT_PLAIN.contains(&name.to_ascii_lowercase().as_str());
            self.check(is_plain, &place, || {
                format!("the header `{name}` is not set under `headers`: keys belong under `auth`")
            });
        }
    }

    fn fields(&mut self, here: &Here<'_>, raw: RawFields) -> Fields {
        let parameter = or(raw.parameter, "fields");
        self.is_not_empty(&here.at(&["fields", "parameter"]), &parameter);
        let separator = or(raw.separator, ",");
        Fields {
            parameter,
            separator,
        }
    }

    fn filter(&mut self, here: &Here<'_>, columns: &[Column], raw: RawFilter) -> Filter {
        let column = columns.iter().find(|column| column.name == raw.column);
        let place = here.at(&["filter", "column"]);
        self.check(column.is_some(), &place, || {
            format!(
                "`filter.column` names `{}`, which is not a column of `{}`",
                raw.column, here.0
            )
        });
        let is_time = |kind| matches!(kind, ColumnType::Timestamp | ColumnType::Date);
        self.check(
            column.is_none_or(|column| is_time(column.kind)),
            &place,
            || {
                format!(
                    "`filter.column` must be a timestamp or a date, and `{}` is not",
                    raw.column
                )
            },
        );
        self.check(
            raw.from.is_some() || raw.to.is_some(),
            &here.at(&["filter"]),
            || "`filter` needs `from` or `to`: the parameters of the API".to_owned(),
        );
        Filter {
            column: raw.column,
            from: raw.from,
            to: raw.to,
        }
    }

    fn paging(&mut self, here: &Here<'_>, raw: RawPagination) -> Paging {
        let (kind, size, total) = match raw {
            RawPagination::PageNumber(raw) => {
                let (parameter, first) = (or(raw.parameter, "page"), raw.first.unwrap_or(1));
                let kind = PagingKind::PageNumber { parameter, first };
                (
                    kind,
                    sized(raw.size_parameter, "per_page", raw.size),
                    raw.total,
                )
            }
            RawPagination::Offset(raw) => {
                let kind = PagingKind::Offset {
                    parameter: or(raw.parameter, "offset"),
                };
                (
                    kind,
                    sized(raw.size_parameter, "limit", raw.size),
                    raw.total,
                )
            }
            RawPagination::Cursor(raw) => {
                let next = self.next(here, raw.next.as_deref().unwrap_or("next_cursor"));
                let kind = PagingKind::Cursor {
                    parameter: or(raw.parameter, "cursor"),
                    next,
                };
                (
                    kind,
                    sized(raw.size_parameter, "limit", raw.size),
                    raw.total,
                )
            }
            RawPagination::CursorHeader(raw) => {
                let (parameter, header) =
                    (or(raw.parameter, "cursor"), or(raw.header, "X-Next-Cursor"));
                self.check(
                    is_token(&header),
                    &here.at(&["pagination", "header"]),
                    || format!("`{header}` cannot be the name of a header"),
                );
                let kind = PagingKind::CursorHeader { parameter, header };
                (
                    kind,
                    sized(raw.size_parameter, "limit", raw.size),
                    raw.total,
                )
            }
            RawPagination::NextLink(raw) => {
                let next = self.next(here, raw.next.as_deref().unwrap_or("links.next"));
                let kind = PagingKind::NextLink { next };
                (
                    kind,
                    sized(raw.size_parameter, "limit", raw.size),
                    raw.total,
                )
            }
            RawPagination::LinkHeader(raw) => {
                let size = sized(raw.size_parameter, "per_page", raw.size);
                (PagingKind::LinkHeader, size, raw.total)
            }
            RawPagination::SinglePage(raw) => (PagingKind::SinglePage, None, raw.total),
        };
        self.sizes(here, &kind, size.as_ref());
        let total = total.map(|total| self.total(here, &total));
        Paging { kind, size, total }
    }

    fn next(&mut self, here: &Here<'_>, text: &str) -> Vec<String> {
        self.path(&here.at(&["pagination", "next"]), text)
    }

    fn sizes(&mut self, here: &Here<'_>, kind: &PagingKind, size: Option<&PageSize>) {
        let at = here.at(&["pagination"]);
        let names = [parameter(kind), size.map(|size| size.parameter.as_str())];
        for (name, key) in names.into_iter().zip(["parameter", "size_parameter"]) {
            if let Some(name) = name {
                self.is_not_empty(&here.at(&["pagination", key]), name);
            }
        }
        if let Some(size) = size {
            self.between(&at, "size", size.records.into(), 1..=100_000);
        }
    }

    fn total(&mut self, here: &Here<'_>, text: &str) -> Total {
        let place = here.at(&["pagination", "total"]);
        match text.strip_prefix("header:").map(str::trim) {
            Some(name) => {
                self.check(is_token(name), &place, || {
                    format!("`{name}` cannot be the name of a header")
                });
                Total::Header(name.to_owned())
            }
            None => Total::Body(self.path(&place, text)),
        }
    }

    /// A parameter that is set at two places has one value too many.
    fn is_set_once(
        &mut self,
        here: &Here<'_>,
        paging: &Paging,
        auth: Option<&Auth>,
        fields: Option<&Fields>,
        query: &indexmap::IndexMap<String, String>,
    ) {
        let key = auth.and_then(|auth| match &auth.way {
            Way::Query(key) => Some(key.name.as_str()),
            _ => None,
        });
        let setters = [
            (parameter(&paging.kind), "pagination.parameter"),
            (
                paging.size.as_ref().map(|size| size.parameter.as_str()),
                "pagination.size_parameter",
            ),
            (key, "auth.query"),
            (
                fields.map(|fields| fields.parameter.as_str()),
                "fields.parameter",
            ),
        ];
        for (index, (name, setter)) in setters.iter().enumerate() {
            let Some(name) = name else { continue };
            self.check(!query.contains_key(*name), &here.at(&["query"]), || {
                format!("the parameter `{name}` is set by `query` and by `{setter}`")
            });
            let other = setters[..index]
                .iter()
                .find(|(other, _)| *other == Some(*name));
            self.check(other.is_none(), &here.at(&["pagination"]), || {
                let (_, other) = other.expect("looked at only if there is one");
                format!("the parameter `{name}` is set by `{other}` and by `{setter}`")
            });
        }
    }

    fn is_not_empty(&mut self, place: &[&str], value: &str) {
        self.check(!value.is_empty(), place, || {
            format!("`{}` is empty", place[3..].join("."))
        });
    }
}

/// The parameter that says which page is wanted.
fn parameter(kind: &PagingKind) -> Option<&str> {
    match kind {
        PagingKind::PageNumber { parameter, .. }
        | PagingKind::Offset { parameter }
        | PagingKind::Cursor { parameter, .. }
        | PagingKind::CursorHeader { parameter, .. } => Some(parameter),
        PagingKind::NextLink { .. } | PagingKind::LinkHeader | PagingKind::SinglePage => None,
    }
}

fn named(raw: RawNamedKey) -> NamedKey {
    NamedKey {
        name: raw.name,
        value: raw.value,
    }
}

fn or(value: Option<String>, default: &str) -> String {
    value.unwrap_or_else(|| default.to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "a single page has none")]
fn sized(parameter: Option<String>, default: &str, records: Option<u32>) -> Option<PageSize> {
    Some(PageSize {
        parameter: or(parameter, default),
        records: records.unwrap_or(100),
    })
}

/// What stands for an address that is none, until its problem is told.
fn url_or_invalid(address: &str) -> url::Url {
    url::Url::parse(address)
        .unwrap_or_else(|_| url::Url::parse("http://invalid").expect("a constant and valid URL"))
}

/// Whether a header can be called so.
fn is_token(name: &str) -> bool {
    let is_allowed = |next: char| next.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(next);
    !name.is_empty() && name.chars().all(is_allowed)
}
