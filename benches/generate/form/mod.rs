//! The forms in which the same customers and events come.

pub mod json;
pub mod kafka;
pub mod pages;
pub mod parquet;
pub mod text;
