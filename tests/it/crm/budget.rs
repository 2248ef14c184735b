//! The budget as the server sees it: never exceeded, and used in full.
