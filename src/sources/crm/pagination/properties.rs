//! Whatever the sizes and the moments at which they change: records delivered are records served, none twice.

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    prop_assert, prop_assert_eq, prop_oneof, proptest,
    sample::Index,
};
use reqwest::header::{HeaderMap, LINK};
use url::Url;

use super::{Facts, Next, Pager, Request};
use crate::{
    config::{PageSize, Paging, PagingKind, Total},
    properties::properties,
};

/// An API in memory.
#[derive(Debug)]
struct Api {
    records: Vec<u64>,
    /// It gives no more at a time, whatever it is asked for.
    most: usize,
    kind: PagingKind,
    tells_total: bool,
}

/// A page: its body, its headers, its records.
type Answer = (String, HeaderMap, Vec<u64>);

impl Api {
    fn answer(&self, url: &Url) -> Answer {
        let parameter = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let asked = parameter("limit").unwrap_or(100);
        let size = asked.min(self.most);
        let start = match &self.kind {
            PagingKind::PageNumber { .. } | PagingKind::LinkHeader => {
                (parameter("page").unwrap_or(1) - 1) * size
            }
            PagingKind::Offset { .. } => parameter("offset").unwrap_or(0),
            // A cursor is the record that the page comes after.
            _ => parameter("cursor").map_or(0, |after| {
                self.records
                    .partition_point(|record| *record <= after as u64)
            }),
        };
        let records: Vec<_> = self
            .records
            .iter()
            .skip(start)
            .take(size)
            .copied()
            .collect();
        let is_more = start + records.len() < self.records.len();
        let mut headers = HeaderMap::new();
        if is_more && self.kind == PagingKind::LinkHeader {
            let page = parameter("page").unwrap_or(1) + 1;
            let link = format!("<?page={page}&limit={asked}>; rel=\"next\"");
            headers.insert(LINK, link.parse().unwrap());
        }
        let next = records.last().filter(|_| is_more);
        let body = serde_json::json!({"total": self.records.len(), "next": next});
        (body.to_string(), headers, records)
    }

    fn paging(&self, size: u32) -> Paging {
        Paging {
            kind: self.kind.clone(),
            size: Some(PageSize {
                parameter: "limit".into(),
                records: size,
            }),
            total: self.tells_total.then(|| Total::Body(vec!["total".into()])),
        }
    }
}

/// Reads everything; `before` is called before each request with its number.
fn read(
    api: &mut Api,
    size: u32,
    before: &mut dyn FnMut(usize, &mut Api, &mut Pager),
) -> (Vec<u64>, Pager) {
    let mut pager = Pager::new(&api.paging(size));
    let mut delivered = vec![];
    for number in 0.. {
        before(number, api, &mut pager);
        let mut url: Url = "http://c.test/v1".parse().unwrap();
        match pager.request() {
            Request::Link(link) => url = link,
            Request::Parameters(pairs) => _ = url.query_pairs_mut().extend_pairs(pairs),
        }
        let (body, headers, records) = api.answer(&url);
        let facts = Facts {
            url: &url,
            body: &body,
            headers: &headers,
            records: &records,
        };
        let step = pager.advance(&facts).unwrap();
        let new = records
            .iter()
            .enumerate()
            .filter(|(index, _)| step.keeps(*index));
        delivered.extend(new.map(|(_, record)| *record));
        if step.next != Next::More {
            break;
        }
        assert!(number < 20_000, "it ends");
    }
    (delivered, pager)
}

fn kind() -> impl Strategy<Value = PagingKind> {
    let parameter = |name: &str| name.to_owned();
    prop_oneof![
        Just(PagingKind::PageNumber {
            parameter: parameter("page"),
            first: 1
        }),
        Just(PagingKind::Offset {
            parameter: parameter("offset")
        }),
        Just(PagingKind::Cursor {
            parameter: parameter("cursor"),
            next: vec!["next".into()]
        }),
        Just(PagingKind::LinkHeader),
    ]
}

proptest! {
    #![proptest_config(properties(400))]

    #[test]
    fn records_delivered_are_records_served_whatever_the_sizes_and_when_they_change(
        (kind, count, size) in (kind(), 0_u64..900, 1_u32..450),
        (most, tells_total) in (prop_oneof![Just(1000_usize), 3_usize..300], any::<bool>()),
        shrinks in vec(0_usize..8, 0..4),
    ) {
        // A link that says another size than the API gives cannot be aimed again.
        let most = if kind == PagingKind::LinkHeader { 1000 } else { most };
        let records: Vec<_> = (1..=count).collect();
        let mut api = Api { records: records.clone(), most, kind, tells_total };
        let (delivered, pager) = read(&mut api, size, &mut |number, _, pager| {
            for _ in shrinks.iter().filter(|at| **at == number) {
                pager.shrink();
            }
        });
        prop_assert_eq!(delivered, records);
        prop_assert!(pager.complete().is_ok());
    }

    #[test]
    fn what_is_there_all_the_time_is_read_once_while_records_go(
        (is_offset, count, size) in (any::<bool>(), 1_u64..120, 2_u32..12),
        gone in vec((0_usize..20, any::<Index>()), 1..5),
    ) {
        let (delivered, stays, notes) = while_records_go(is_offset, count, size, &gone);
        let mut once = delivered.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), delivered.len(), "none twice");
        let missing: Vec<_> = stays.iter().filter(|record| !delivered.contains(record)).collect();
        prop_assert!(missing.is_empty(), "{:?} of {:?}; {:?}", missing, delivered, notes);
    }

    #[test]
    fn what_is_there_all_the_time_is_read_once_while_records_come(
        (is_offset, count, size) in (any::<bool>(), 1_u64..120, 2_u32..12),
        come in vec((0_usize..20, any::<Index>()), 1..5),
    ) {
        let records: Vec<_> = (1..=count).collect();
        let mut api = Api { records: records.clone(), most: 1000, kind: counted(is_offset), tells_total: true };
        let mut next = 1000;
        let (delivered, _) = read(&mut api, size, &mut |number, api, _| {
            for (_, place) in come.iter().filter(|(at, _)| *at == number) {
                next += 1;
                api.records.insert(place.index(api.records.len() + 1), next);
            }
        });
        for record in &records {
            let times = delivered.iter().filter(|other| *other == record).count();
            prop_assert_eq!(times, 1, "{} of {:?}", record, delivered);
        }
    }
}

fn counted(is_offset: bool) -> PagingKind {
    if is_offset {
        PagingKind::Offset {
            parameter: "offset".into(),
        }
    } else {
        PagingKind::PageNumber {
            parameter: "page".into(),
            first: 1,
        }
    }
}

/// What was delivered, what was there all the time, and what was noted.
fn while_records_go(
    is_offset: bool,
    count: u64,
    size: u32,
    gone: &[(usize, Index)],
) -> (Vec<u64>, Vec<u64>, Vec<String>) {
    let mut api = Api {
        records: (1..=count).collect(),
        most: 1000,
        kind: counted(is_offset),
        tells_total: true,
    };
    let (delivered, pager) = read(&mut api, size, &mut |number, api, _| {
        for (_, place) in gone.iter().filter(|(at, _)| *at == number) {
            if !api.records.is_empty() {
                api.records.remove(place.index(api.records.len()));
            }
        }
    });
    (delivered, api.records, pager.notes())
}
