//! The pipeline of orders, read from an API in numbered pages.

use serde_json::json;

use super::{
    pages::{Pages, parameter},
    project::Project,
};

/// Orders on a page.
pub(crate) const SIZE: usize = 2;

/// Record `number` of the collection. Every fifth has no amount field, every seventh is refused.
pub(crate) fn order(number: usize) -> serde_json::Value {
    let customers = ["ada", "bob", "eve"];
    let mut order = json!({
        "order_id": number,
        "customer": customers[number % 3],
        "amount": number,
        "updated_at": format!("2026-11-14T{:02}:00:00Z", number % 24),
    });
    if number.is_multiple_of(5) {
        order.as_object_mut().map(|fields| fields.remove("amount"));
    }
    if number.is_multiple_of(7) {
        order["order_id"] = json!(format!("no number: ada{number}@example.com"));
    }
    order
}

/// The page that is asked for by `page` and `per_page`, of `total` orders.
pub(crate) fn numbered(wanted: &str, total: usize) -> (u16, String) {
    let number = |name: &str, default: usize| {
        let value = parameter(wanted, name).and_then(|value| value.parse().ok());
        value.unwrap_or(default)
    };
    let (page, size) = (number("page", 1), number("per_page", SIZE));
    let first = (page - 1) * size + 1;
    let orders = (first..first + size).filter(|number| *number <= total);
    let data: Vec<_> = orders.map(order).collect();
    (200, json!({"total": total, "data": data}).to_string())
}

/// The number of the page that is asked for.
pub(crate) fn page(wanted: &str) -> usize {
    let page = parameter(wanted, "page").and_then(|page| page.parse().ok());
    page.unwrap_or(1)
}

/// The pipeline of orders on this API, whose `from` says `more` beside the address.
pub(crate) fn project(api: &Pages, more: &str) -> Project {
    let project = Project::orders();
    let from = format!(
        "from: {{kind: crm, url: \"{}\", path: /orders, retries: 0, timeout_seconds: 20, \
         requests_per_minute: 100000, {more}}}",
        api.url()
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &from);
    project
}

/// Pages of two orders, one after the other.
pub(crate) const ONE_BY_ONE: &str =
    "pagination: {kind: page_number, size: 2, total: total}, concurrency: 1";
