//! Customers as the answers of a CRM's paginated API, a file per page.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use super::json;
use crate::{Result, customer::Customers};

/// Records of a page.
pub const SIZE: u64 = 1000;

/// How many pages there are.
pub fn count(customers: Customers) -> u64 {
    customers.records().div_ceil(SIZE)
}

/// Writes a page, the first of which is number 0.
pub fn page(path: &Path, customers: Customers, number: u64) -> Result<()> {
    let mut out = BufWriter::new(fs_err::File::create(path)?);
    let total = customers.records();
    let places = number * SIZE..((number + 1) * SIZE).min(total);
    out.write_all(b"{\"data\":[\n")?;
    for place in places {
        if place > number * SIZE {
            out.write_all(b",\n")?;
        }
        json::customer(&mut out, &customers.record(place))?;
    }
    let (page, pages) = (number + 1, count(customers));
    writeln!(
        out,
        "\n],\"page\":{page},\"per_page\":{SIZE},\"total_pages\":{pages},\"total\":{total}}}"
    )?;
    Ok(out.flush()?)
}
