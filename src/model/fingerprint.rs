//! What stands for the meaning of a statement, whatever its comments and white space.

use std::fmt::Write;

use datafusion::sql::sqlparser::ast::Statement;
use sha2::{Digest, Sha256};

use super::{Model, Parameters, Sql};

/// The fingerprint of one statement: SHA-256 of its canonical text.
pub fn of(statement: &Statement) -> String {
    hex(&Sha256::digest(statement.to_string()))
}

/// The fingerprint of a statement with its parameters filled in, as far as they are known.
pub fn filled(sql: &Sql, parameters: &Parameters) -> String {
    let mut sql = sql.clone();
    // A parameter that is not set stays as it is written, and is an error elsewhere.
    let _ = parameters.fill(&mut sql);
    of(&sql.statement)
}

/// How many characters stand for all models of a project.
pub const SOURCE_VERSION: usize = 16;

/// One fingerprint for all models of a project: the `source_version` of every loaded row.
pub fn combined<'a>(models: impl IntoIterator<Item = &'a Model>) -> String {
    let mut parts: Vec<_> = models
        .into_iter()
        .map(|model| format!("{}={}\n", model.name, model.fingerprint))
        .collect();
    parts.sort();
    hex(&Sha256::digest(parts.concat()))[..SOURCE_VERSION].to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use crate::model::{File, Sql};

    fn fingerprint(text: &str) -> String {
        let file = File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: text.into(),
        };
        super::of(&Sql::parse(file).unwrap().statement)
    }

    #[test]
    fn comments_and_white_space_do_not_count_and_weights_do() {
        let one = fingerprint("select 0.5 * a from t");
        assert_eq!(
            one,
            fingerprint("/* dfpipe\n*/\nselect  0.5*a -- half\nfrom t")
        );
        assert_ne!(one, fingerprint("select 0.6 * a from t"));
    }
}
