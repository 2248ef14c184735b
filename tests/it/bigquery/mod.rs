//! The BigQuery sink against a service in this process, and that service itself.

mod chaos;
mod columns;
mod failures;
mod fake;
mod fake_faults;
mod killed;
mod loads;
mod quota;
mod secrets;
mod table;
