//! The shell, `query` and `diff`: questions to runs, by scripts and by people.

mod diff;
mod query;
mod script;
mod terminal;
