//! The one table of `\` commands: what is dispatched, what help prints, what is completed.

use crate::error::{Error, Result, did_you_mean};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `\?`
    Help,
    /// `\d`
    Describe,
    /// `\dm`
    Models,
    /// `\df`
    Functions,
    /// `\runs`
    Runs,
    /// `\use`
    Use,
    /// `\lineage`
    Lineage,
    /// `\rejects`
    Rejects,
    /// `\why`
    Why,
    /// `\diff`
    Diff,
    /// `\explain`
    Explain,
    /// `\engine`
    Engine,
    /// `\e`
    Edit,
    /// `\i`
    Include,
    /// `\o`
    Output,
    /// `\format`
    Format,
    /// `\x`
    Expanded,
    /// `\timing`
    Timing,
    /// `\q`
    Quit,
}

/// What its argument is, for completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing that could be completed.
    Nothing,
    /// A table.
    Table,
    /// A model.
    Model,
    /// A function.
    Function,
    /// A run.
    Run,
    /// A file.
    File,
    /// A format.
    Format,
    /// Why records were refused.
    Reason,
    /// `on` or `off`.
    Switch,
    /// SQL.
    Sql,
}

/// A command.
#[derive(Debug)]
pub struct Word {
    /// How it is called.
    pub name: &'static str,
    /// What it takes, as help prints it.
    pub arguments: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    /// What it does.
    pub action: Action,
    /// What its argument is.
    pub takes: Takes,
}

const fn word(
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    action: Action,
    takes: Takes,
) -> Word {
    Word {
        name,
        arguments,
        help,
        action,
        takes,
    }
}

/// All commands, in the order of help.
pub const WORDS: &[Word] = &[
    word(
        "\\d",
        "[TABLE]",
        "tables, or the columns of one and where they come from",
        Action::Describe,
        Takes::Table,
    ),
    word(
        "\\dm",
        "",
        "models: version, key, description",
        Action::Models,
        Takes::Nothing,
    ),
    word(
        "\\df",
        "[FUNCTION]",
        "functions, or one with its arguments",
        Action::Functions,
        Takes::Function,
    ),
    word(
        "\\runs",
        "",
        "runs, the newest first",
        Action::Runs,
        Takes::Nothing,
    ),
    word(
        "\\use",
        "RUN",
        "look at another run: its name, the beginning of it, or `last`",
        Action::Use,
        Takes::Run,
    ),
    word(
        "\\lineage",
        "[TABLE[.COLUMN]]",
        "where a table or a column comes from and where it goes",
        Action::Lineage,
        Takes::Table,
    ),
    word(
        "\\rejects",
        "[REASON]",
        "refused records by reason, or those of one reason",
        Action::Rejects,
        Takes::Reason,
    ),
    word(
        "\\why",
        "KEY",
        "the way of one key through all models, or what stopped it",
        Action::Why,
        Takes::Nothing,
    ),
    word(
        "\\diff",
        "MODEL[@N]",
        "what an edited model changes, row by row, in this run",
        Action::Diff,
        Takes::Model,
    ),
    word(
        "\\explain",
        "[SQL]",
        "the plan of a statement, or of the last one",
        Action::Explain,
        Takes::Sql,
    ),
    word(
        "\\engine",
        "[local|ballista]",
        "where questions about the run are answered: here, or by the profile's cluster",
        Action::Engine,
        Takes::Nothing,
    ),
    word(
        "\\e",
        "",
        "edit the statement in $EDITOR, then run it",
        Action::Edit,
        Takes::Nothing,
    ),
    word(
        "\\i",
        "FILE",
        "run the statements of a file, such as an edited model",
        Action::Include,
        Takes::File,
    ),
    word(
        "\\o",
        "[FILE]",
        "write results into a file below this folder; without one to the screen again",
        Action::Output,
        Takes::File,
    ),
    word(
        "\\format",
        "[FORMAT]",
        "table, csv, json, ndjson or markdown",
        Action::Format,
        Takes::Format,
    ),
    word(
        "\\x",
        "[on|off]",
        "each column on a line of its own",
        Action::Expanded,
        Takes::Switch,
    ),
    word(
        "\\timing",
        "[on|off]",
        "say how long each statement took",
        Action::Timing,
        Takes::Switch,
    ),
    word("\\?", "", "this help", Action::Help, Takes::Nothing),
    word(
        "\\q",
        "",
        "leave (so does Ctrl-D)",
        Action::Quit,
        Takes::Nothing,
    ),
];

/// The command of a line, and its argument.
pub fn find(line: &str) -> Result<(&'static Word, &str)> {
    let line = line.trim();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = argument.trim().trim_end_matches(';').trim_end();
    let name = name.trim_end_matches(';');
    if let Some(word) = WORDS.iter().find(|word| word.name == name) {
        return Ok((word, argument));
    }
    let names = WORDS.iter().map(|word| word.name);
    let hint = match did_you_mean(name, names) {
        Some(meant) => format!("did you mean `{meant}`? `\\?` lists all"),
        None => "`\\?` lists all".to_owned(),
    };
    Err(Error::usage(format!("there is no command `{name}`")).with_hint(hint))
}

/// Whether a line asks to edit a statement.
pub fn is_edit(line: &str) -> bool {
    find(line).is_ok_and(|(word, _)| word.action == Action::Edit)
}

/// The help.
pub fn help() -> String {
    let head = |word: &Word| format!("{} {}", word.name, word.arguments);
    let width = WORDS.iter().map(|word| head(word).len()).max().unwrap_or(0);
    let lines = WORDS
        .iter()
        .map(|word| format!("  {:width$}  {}\n", head(word), word.help));
    format!(
        "A statement ends with `;`. Commands stand on a line of their own:\n{}\
         Tables: the models, raw extracts, rejects, dead letters and check failures of the run by their names\n\
         (schema `run`); `warehouse`, `source` (live) and `history` are further schemas;\n\
         model('NAME', run => 'RUN') is a table of another run, and 'FILE.csv' is a file.\n\
         Tab completes, Ctrl-R searches what was typed before, Ctrl-C stops a question.\n",
        lines.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::{WORDS, find, help};

    #[test]
    fn every_command_is_found_by_its_name_and_stands_in_the_help() {
        for word in WORDS {
            let line = format!(" {}  some thing ;", word.name);
            let (found, argument) = find(&line).unwrap();
            assert_eq!((found.action, argument), (word.action, "some thing"));
            assert!(
                help().contains(&format!("  {} ", word.name)),
                "{}",
                word.name
            );
        }
    }

    #[test]
    fn an_unknown_command_says_which_was_meant() {
        let error = find("\\lineag x").unwrap_err();
        assert_eq!(
            error.hint(),
            Some("did you mean `\\lineage`? `\\?` lists all")
        );
    }
}
