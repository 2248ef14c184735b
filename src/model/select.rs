//! Which models `-s` means: names, with `+` before for all they read and after for all that read
//! them; several are joined by spaces or given several times.

use std::collections::BTreeSet;

use super::{Model, graph::unknown_table};
use crate::error::Result;

/// The names of the models that `selectors` mean; all models if there are none.
pub fn select(models: &[Model], selectors: &[String]) -> Result<BTreeSet<String>> {
    if selectors.is_empty() {
        return Ok(models.iter().map(|model| model.name.clone()).collect());
    }
    let mut selected = BTreeSet::new();
    for selector in selectors.iter().flat_map(|text| text.split_whitespace()) {
        selected.extend(one(models, selector)?);
    }
    Ok(selected)
}

fn one(models: &[Model], selector: &str) -> Result<BTreeSet<String>> {
    let (above, rest) = strip(selector.strip_prefix('+'), selector);
    let (below, name) = strip(rest.strip_suffix('+'), rest);
    if !models.iter().any(|model| model.name == name) {
        let names = models.iter().map(|model| model.name.as_str());
        return Err(unknown_table(name, names));
    }
    let mut selected = BTreeSet::from([name.to_owned()]);
    if above {
        selected.extend(closure(models, name, &reads));
    }
    if below {
        selected.extend(closure(models, name, &read_by));
    }
    Ok(selected)
}

fn strip<'a>(stripped: Option<&'a str>, whole: &'a str) -> (bool, &'a str) {
    (stripped.is_some(), stripped.unwrap_or(whole))
}

/// All that is reached from `name` by `next`, itself included.
fn closure(
    models: &[Model],
    name: &str,
    next: &dyn Fn(&Model, &Model) -> bool,
) -> BTreeSet<String> {
    let mut found = BTreeSet::from([name.to_owned()]);
    loop {
        let more: Vec<_> = models
            .iter()
            .filter(|model| !found.contains(&model.name))
            .filter(|model| {
                models
                    .iter()
                    .any(|from| found.contains(&from.name) && next(from, model))
            })
            .map(|model| model.name.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn reads(from: &Model, model: &Model) -> bool {
    from.sql.reads.iter().any(|read| read.table == model.name)
}

fn read_by(from: &Model, model: &Model) -> bool {
    reads(model, from)
}

#[cfg(test)]
mod tests {
    use super::select;
    use crate::model::graph::tests::model;

    #[test]
    fn a_plus_takes_what_is_read_or_what_reads() {
        let models = [
            model("a", "select * from raw"),
            model("b", "select * from a"),
            model("c", "select * from b"),
            model("d", "select * from raw"),
        ];
        for (selector, expected) in [
            ("b", &["b"][..]),
            ("+b", &["a", "b"]),
            ("b+", &["b", "c"]),
            ("+b+", &["a", "b", "c"]),
            ("a d", &["a", "d"]),
        ] {
            let selected = select(&models, &[selector.to_owned()]).unwrap();
            assert_eq!(selected.iter().collect::<Vec<_>>(), expected, "{selector}");
        }
        assert_eq!(select(&models, &[]).unwrap().len(), 4);
    }

    #[test]
    fn an_unknown_model_is_an_error_with_a_suggestion() {
        let models = [model("customers", "select * from raw")];
        let error = select(&models, &["+custmers".to_owned()]).unwrap_err();
        assert_eq!(error.hint(), Some("did you mean `customers`?"));
    }
}
