//! The BigQuery sink against a service in this process, and that service itself.

mod chaos;
mod columns;
mod failures;
mod fake;
mod fake_faults;
mod killed;
mod loads;
mod quota;
mod receipts;
mod secrets;
mod staging;
mod table;
