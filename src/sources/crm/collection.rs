//! The address of a page: the collection, its own query with the run's window filled in, and what the
//! pagination adds.
//!
//! Apart from the pagination because here the run is known, and there only pages.

use chrono::{DateTime, SecondsFormat, Utc};
use url::Url;

use super::pagination::Request;
use crate::{clock::parse_time, config::Crm, sources::Window};

/// What is asked for, whatever the page.
#[derive(Clone, Debug)]
pub struct Collection {
    url: Url,
    query: Vec<(String, String)>,
}

impl Collection {
    /// The collection of `crm` within `window`.
    pub fn new(crm: &Crm, window: Window) -> Self {
        let query = crm.query.iter();
        let filled = query.map(|(name, value)| (name.clone(), fill(value, window)));
        Self {
            url: crm.url.clone(),
            query: filled.collect(),
        }
    }

    /// The same with a further parameter; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.query.retain(|(existing, _)| existing != name);
        self.query.push((name.to_owned(), value));
        self
    }

    /// The same, with nothing before `from` by the parameter `name`. What is asked for already is kept if it is later,
    /// or if it is no moment.
    #[must_use]
    pub fn no_earlier(self, name: &str, from: DateTime<Utc>, value: String) -> Self {
        match self.moment(name) {
            Some(None) => self,
            Some(Some(asked)) if asked >= from => self,
            Some(Some(_)) | None => self.with(name, value),
        }
    }

    /// The same, with nothing from `to` on by the parameter `name`. What is asked for already is kept if it is earlier,
    /// or if it is no moment.
    #[must_use]
    pub fn no_later(self, name: &str, to: DateTime<Utc>, value: String) -> Self {
        match self.moment(name) {
            Some(None) => self,
            Some(Some(asked)) if asked <= to => self,
            Some(Some(_)) | None => self.with(name, value),
        }
    }

    /// The moment that the parameter `name` says, if the parameter is there and says one.
    #[expect(clippy::option_option, reason = "not there, and there but no moment")]
    fn moment(&self, name: &str) -> Option<Option<DateTime<Utc>>> {
        let (_, value) = self.query.iter().find(|(existing, _)| existing == name)?;
        Some(parse_time(value))
    }

    /// Its address, without a query.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address that `request` asks for.
    pub fn address(&self, request: &Request) -> Url {
        let parameters = match request {
            Request::Link(url) => return url.clone(),
            Request::Parameters(parameters) => parameters,
        };
        let mut url = self.url.clone();
        if self.query.is_empty() && parameters.is_empty() {
            return url;
        }
        let mut pairs = url.query_pairs_mut();
        pairs.extend_pairs(&self.query);
        pairs.extend_pairs(parameters);
        drop(pairs);
        url
    }
}

/// Fills a query parameter's run parameters in.
fn fill(value: &str, window: Window) -> String {
    value
        .replace("${window_start}", &written(window.start))
        .replace("${window_end}", &written(window.end))
        .replace("${as_of}", &written(window.end))
        .replace("${run_date}", &window.run_date().to_string())
}

/// A moment as APIs read it.
pub fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::Collection;
    use crate::{
        config::{Crm, Paging, PagingKind},
        sources::{Window, crm::pagination::Request},
    };

    fn collection(url: &str) -> Collection {
        let paging = Paging {
            kind: PagingKind::SinglePage,
            size: None,
            total: None,
        };
        let crm = Crm {
            query: vec![("since".into(), "${window_start}".into())],
            ..Crm::plain(url, paging)
        };
        let as_of = "2026-11-15T00:00:00Z".parse().unwrap();
        Collection::new(&crm, Window::before(as_of, 7))
    }

    #[test]
    fn the_window_is_filled_into_the_query_and_the_page_comes_last() {
        let request = Request::Parameters(vec![("page".into(), "a b".into())]);
        let since = "since=2026-11-08T00%3A00%3A00Z";
        for (url, expected) in [
            (
                "http://c.test/v1",
                format!("http://c.test/v1?{since}&page=a+b"),
            ),
            (
                "http://c.test/v1?x=1",
                format!("http://c.test/v1?x=1&{since}&page=a+b"),
            ),
        ] {
            assert_eq!(collection(url).address(&request).as_str(), expected);
        }
    }

    #[test]
    fn a_parameter_that_is_set_again_replaces_the_one_that_was_there() {
        let collection = collection("http://c.test/v1").with("since", "now".into());
        let address = collection.address(&Request::Parameters(vec![]));
        assert_eq!(address.query(), Some("since=now"));
    }

    #[test]
    fn a_bound_makes_a_moment_narrower_and_never_wider() {
        let at = |text: &str| text.parse().unwrap();
        let asked = |collection: Collection| {
            let address = collection.address(&Request::Parameters(vec![]));
            address.query().map(str::to_owned)
        };
        let [early, late] = ["2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z"];
        let since = |text| collection("http://c.test").no_earlier("since", at(text), text.into());
        let kept = asked(since(early)).unwrap();
        assert!(kept.contains("2026-11-08"), "{kept}");
        let narrowed = asked(since(late)).unwrap();
        assert!(narrowed.contains("2026-11-10"), "{narrowed}");
        let new = collection("http://c.test").no_later("until", at(late), late.into());
        assert!(asked(new).unwrap().contains("until=2026-11-10"));
        let odd = collection("http://c.test").with("since", "yesterday".into());
        let odd = odd.no_earlier("since", at(late), late.into());
        assert_eq!(asked(odd).as_deref(), Some("since=yesterday"));
    }

    #[test]
    fn a_link_is_asked_for_as_it_is() {
        let link: url::Url = "http://c.test/other?a=1".parse().unwrap();
        let collection = collection("http://c.test/v1");
        assert_eq!(collection.address(&Request::Link(link.clone())), link);
    }
}
