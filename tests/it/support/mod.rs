//! What the tests are served by: real services on loopback, started and ended with them.

pub(crate) mod connection;
pub(crate) mod crm;
pub(crate) mod kafka;
pub(crate) mod services;
