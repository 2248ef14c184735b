//! The BigQuery sink against a service in this process, and that service itself.

mod fake;
mod fake_faults;
