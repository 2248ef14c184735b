//! Which models `-s` means, in dbt's words.
//!
//! ```text
//! name  engage*  tag:weekly  path:sql/customers  state:modified     methods
//! +m  m+  2+m  m+3  @m                                              with what is above and below
//! a b (or)  a,b (and)                                               sets
//! ```

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::{Model, graph::unknown_table};
use crate::error::{Error, Result, did_you_mean};

static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<around>@)?(?:(?P<above>\d*)\+)?(?:(?P<method>\w+):)?(?P<value>.*?)(?:\+(?P<below>\d*))?$",
    )
    .expect("the pattern is valid")
});

/// What a selector may ask for, for hints.
const METHODS: &str = "tag:, path:, state:modified, or a model's name";

/// What is known of a project beside its models.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// The models whose statement is not that of the last successful run; `None` where there is no
    /// such run.
    pub modified: Option<&'a BTreeSet<String>>,
}

/// The names of the models that `selectors` mean; all models if there are none.
pub fn select(
    models: &[Model],
    selectors: &[String],
    selection: Selection<'_>,
) -> Result<BTreeSet<String>> {
    if selectors.is_empty() {
        return Ok(names(models).map(str::to_owned).collect());
    }
    let mut selected = BTreeSet::new();
    for selector in selectors.iter().flat_map(|text| text.split_whitespace()) {
        selected.extend(all_of(models, selector, selection)?);
    }
    Ok(selected)
}

/// Whether `selectors` ask what the last run was made of.
pub fn asks_for_state(selectors: &[String]) -> bool {
    selectors.iter().any(|selector| selector.contains("state:"))
}

/// The model `name` and all models that it is made of.
pub fn with_ancestors(models: &[Model], name: &str) -> BTreeSet<String> {
    closure(models, BTreeSet::from([name.to_owned()]), reads, None)
}

/// What each part between commas selects.
fn all_of(models: &[Model], text: &str, selection: Selection<'_>) -> Result<BTreeSet<String>> {
    let mut selected: Option<BTreeSet<String>> = None;
    for part in text.split(',') {
        if part.is_empty() {
            let message = format!("the selector `{text}` has a comma too many");
            let hint = "a comma, without spaces, stands between two selectors that must both hold";
            return Err(Error::usage(message).with_hint(hint));
        }
        let more = one(models, part, selection)?;
        selected = Some(match selected {
            None => more,
            Some(before) => before.intersection(&more).cloned().collect(),
        });
    }
    Ok(selected.unwrap_or_default())
}

fn one(models: &[Model], text: &str, selection: Selection<'_>) -> Result<BTreeSet<String>> {
    let odd = |message: String| Error::usage(message);
    let parts = SELECTOR
        .captures(text)
        .ok_or_else(|| odd(format!("`{text}` is no selector")))?;
    let value = &parts["value"];
    if value.is_empty() {
        let hint = format!("name something: {METHODS}");
        return Err(odd(format!("the selector `{text}` names nothing")).with_hint(hint));
    }
    let (above, below) = (parts.name("above"), parts.name("below"));
    let mut selected = match parts.name("method").map(|method| method.as_str()) {
        None if value.contains('/') => by_path(models, text, value)?,
        None => by_name(models, value)?,
        Some("path") => by_path(models, text, value)?,
        Some("tag") => by_tag(models, text, value)?,
        Some("state") => by_state(text, value, selection)?,
        Some(other) => {
            let error = odd(format!("the selector `{text}` has no method `{other}:`"));
            return Err(error.with_hint(format!("there are: {METHODS}")));
        }
    };
    if parts.name("around").is_some() {
        if above.is_some() || below.is_some() {
            let hint = "`@m` has all that is below `m` already, and all that is above those";
            let message = format!("the selector `{text}` has `@` and `+`");
            return Err(odd(message).with_hint(hint));
        }
        let below = closure(models, selected, read_by, None);
        return Ok(closure(models, below, reads, None));
    }
    let start = selected.clone();
    if let Some(levels) = above {
        let levels = levels.as_str().parse().ok();
        selected.extend(closure(models, start.clone(), reads, levels));
    }
    if let Some(levels) = below {
        let levels = levels.as_str().parse().ok();
        selected.extend(closure(models, start, read_by, levels));
    }
    Ok(selected)
}

fn by_name(models: &[Model], value: &str) -> Result<BTreeSet<String>> {
    let found = matching(models, value, |model| vec![model.name.as_str()]);
    if found.is_empty() {
        return Err(unknown_table(value, names(models)));
    }
    Ok(found)
}

fn by_tag(models: &[Model], text: &str, value: &str) -> Result<BTreeSet<String>> {
    fn tags(model: &Model) -> Vec<&str> {
        model.header.tags.iter().map(String::as_str).collect()
    }
    let found = matching(models, value, tags);
    if found.is_empty() {
        let all: BTreeSet<&str> = models.iter().flat_map(tags).collect();
        let hint = match did_you_mean(value, all.iter().copied()) {
            Some(meant) => format!("did you mean `tag:{meant}`?"),
            None if all.is_empty() => "write `tags: [weekly]` into a front matter".to_owned(),
            None => format!(
                "the tags are: {}",
                all.into_iter().collect::<Vec<_>>().join(", ")
            ),
        };
        let message = format!("`{text}` selects nothing: no model has the tag `{value}`");
        return Err(Error::usage(message).with_hint(hint));
    }
    Ok(found)
}

fn by_path(models: &[Model], text: &str, value: &str) -> Result<BTreeSet<String>> {
    let value = value.trim_start_matches("./").trim_end_matches('/');
    // A file lies in all the folders that its name goes through.
    let paths = |model: &Model| folders(&model.sql.file.name);
    let found = matching_owned(models, value, &paths);
    if found.is_empty() {
        let all: BTreeSet<String> = models.iter().flat_map(paths).collect();
        let hint = match did_you_mean(value, all.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `path:{meant}`?"),
            None => "paths begin at the project: `path:sql/…`, a folder or a file".to_owned(),
        };
        let message = format!("`{text}` selects nothing: no model lies at `{value}`");
        return Err(Error::usage(message).with_hint(hint));
    }
    Ok(found)
}

fn by_state(text: &str, value: &str, selection: Selection<'_>) -> Result<BTreeSet<String>> {
    if value != "modified" {
        let message = format!("the selector `{text}` asks for a state that there is not");
        return Err(Error::usage(message).with_hint("there is: `state:modified`"));
    }
    let modified = selection.modified.cloned().ok_or_else(|| {
        let message = format!("`{text}` has nothing to compare with: no run has succeeded yet");
        Error::usage(message).with_hint("begin with `dfpipe run`")
    })?;
    Ok(modified)
}

fn names(models: &[Model]) -> impl Iterator<Item = &str> + Clone {
    models.iter().map(|model| model.name.as_str())
}

fn matching<'m>(
    models: &'m [Model],
    pattern: &str,
    texts: impl Fn(&'m Model) -> Vec<&'m str>,
) -> BTreeSet<String> {
    matching_owned(models, pattern, &|model| {
        texts(model).into_iter().map(str::to_owned).collect()
    })
}

fn matching_owned<'m>(
    models: &'m [Model],
    pattern: &str,
    texts: &dyn Fn(&'m Model) -> Vec<String>,
) -> BTreeSet<String> {
    let pattern = Pattern::new(pattern);
    let found = models
        .iter()
        .filter(|model| texts(model).iter().any(|text| pattern.matches(text)));
    found.map(|model| model.name.clone()).collect()
}

/// `sql/a/b.sql`: itself, `sql/a` and `sql`.
fn folders(file: &str) -> Vec<String> {
    let ends = file.match_indices('/').map(|(end, _)| end);
    ends.chain([file.len()])
        .map(|end| file[..end].to_owned())
        .collect()
}

/// A name with wildcards as shells have them: `*`, `?`, `[ab]`, `[!ab]`.
struct Pattern<'a> {
    text: &'a str,
    wild: Option<Regex>,
}

impl<'a> Pattern<'a> {
    fn new(text: &'a str) -> Self {
        let wild = text.contains(['*', '?', '[']).then(|| wild(text));
        Self {
            text,
            wild: wild.and_then(|pattern| Regex::new(&pattern).ok()),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match &self.wild {
            Some(pattern) => pattern.is_match(text),
            None => self.text == text,
        }
    }
}

fn wild(text: &str) -> String {
    let mut pattern = String::from("^");
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let set = rest
            .strip_prefix('[')
            .and_then(|inside| inside.split_once(']'));
        rest = &rest[first.len_utf8()..];
        match (first, set) {
            ('*', _) => pattern.push_str(".*"),
            ('?', _) => pattern.push('.'),
            ('[', Some((inside, after))) if !inside.is_empty() => {
                let (not, inside) = match inside.strip_prefix('!') {
                    Some(inside) => ("^", inside),
                    None => ("", inside),
                };
                let inside = inside.replace('\\', "\\\\").replace('^', "\\^");
                pattern.extend(["[", not, &inside, "]"]);
                rest = after;
            }
            (other, _) => pattern.push_str(&regex::escape(&other.to_string())),
        }
    }
    pattern + "$"
}

/// All that is reached from `found` by `next` in so many steps, itself included.
fn closure(
    models: &[Model],
    mut found: BTreeSet<String>,
    next: fn(&Model, &Model) -> bool,
    levels: Option<usize>,
) -> BTreeSet<String> {
    let mut level = 0;
    while levels.is_none_or(|levels| level < levels) {
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
            break;
        }
        found.extend(more);
        level += 1;
    }
    found
}

fn reads(from: &Model, model: &Model) -> bool {
    from.sql.reads.iter().any(|read| read.table == model.name)
}

fn read_by(from: &Model, model: &Model) -> bool {
    reads(model, from)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Selection, select, with_ancestors};
    use crate::model::{Model, graph::tests::model};

    fn at(mut model: Model, file: &str, tags: &[&str]) -> Model {
        file.clone_into(&mut model.sql.file.name);
        model.header.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        model
    }

    /// a → b → c → d, and e → c.
    fn chain() -> Vec<Model> {
        vec![
            at(model("a", "select * from raw"), "sql/in/a.sql", &["daily"]),
            at(model("b", "select * from a"), "sql/mid/b.sql", &[]),
            at(
                model("c", "select * from b, e"),
                "sql/mid/c.sql",
                &["weekly"],
            ),
            at(
                model("d", "select * from c"),
                "sql/d.sql",
                &["weekly", "out"],
            ),
            at(
                model("e", "select * from raw"),
                "sql/in/deep/e.sql",
                &["daily"],
            ),
        ]
    }

    #[test]
    fn selectors_mean_what_they_mean_in_dbt() {
        let modified = BTreeSet::from(["b".to_owned()]);
        let selection = Selection {
            modified: Some(&modified),
        };
        for (selector, expected) in [
            ("b", "b"),
            ("+b", "ab"),
            ("b+", "bcd"),
            ("+b+", "abcd"),
            ("a d", "ad"),
            ("1+c", "bce"),
            ("2+c", "abce"),
            ("0+c", "c"),
            ("a+1", "ab"),
            ("a+2", "abc"),
            ("1+b+1", "abc"),
            ("@b", "abcde"),
            ("@d", "abcde"),
            ("tag:weekly", "cd"),
            ("tag:w*", "cd"),
            ("tag:daily+1", "abce"),
            ("+tag:out", "abcde"),
            ("path:sql/in", "ae"),
            ("path:sql/in/", "ae"),
            ("path:./sql/in/deep", "e"),
            ("path:sql/mid/b.sql", "b"),
            ("path:sql/*/b.sql", "b"),
            ("sql/mid", "bc"),
            ("path:sql", "abcde"),
            ("state:modified", "b"),
            ("state:modified+", "bcd"),
            ("tag:weekly,+d", "cd"),
            ("tag:weekly,path:sql/mid", "c"),
            ("tag:weekly,tag:daily", ""),
            ("tag:weekly,path:sql/mid a", "ac"),
            ("*", "abcde"),
            ("?", "abcde"),
            ("[ab]", "ab"),
            ("[!ab]", "cde"),
            ("1+[b]", "ab"),
        ] {
            let selected = select(&chain(), &[selector.to_owned()], selection);
            let selected: String = selected.unwrap().into_iter().collect();
            assert_eq!(selected, expected, "{selector}");
        }
        assert_eq!(select(&chain(), &[], selection).unwrap().len(), 5);
    }

    #[test]
    fn a_selector_that_means_nothing_is_named_and_helped() {
        for (selector, message, hint) in [
            ("+x_", "no source or model `x_`", "the tables are: a"),
            ("bb", "`bb`", "did you mean `b`?"),
            ("z*", "`z*`", "the tables are"),
            ("tag:wekly", "no model has the tag `wekly`", "`tag:weekly`"),
            ("tag:none", "`tag:none` selects nothing", "the tags are"),
            ("path:sql/inn", "at `sql/inn`", "`path:sql/in`"),
            ("path:models", "at `models`", "`path:sql/…`"),
            ("state:new", "`state:new`", "`state:modified`"),
            ("state:modified", "no run has succeeded", "dfpipe run"),
            ("config:x", "no method `config:`", "tag:"),
            ("@b+", "`@` and `+`", "`@m`"),
            ("a,", "a comma too many", "both"),
            ("+", "names nothing", "tag:"),
            ("tag:", "names nothing", "tag:"),
        ] {
            let error = select(&chain(), &[selector.to_owned()], Selection::default());
            let error = error.unwrap_err();
            assert!(error.message().contains(message), "{selector}: {error}");
            assert!(error.hint().unwrap().contains(hint), "{selector}");
        }
    }

    #[test]
    fn a_model_is_made_of_all_that_is_above_it() {
        let names: String = with_ancestors(&chain(), "c").into_iter().collect();
        assert_eq!(names, "abce");
    }
}
