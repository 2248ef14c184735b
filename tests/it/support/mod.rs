//! What the tests are served by: a project of their own, and real services on loopback.

pub(crate) mod addresses;
pub(crate) mod api;
pub(crate) mod artefacts;
pub(crate) mod bigquery;
pub(crate) mod catalog;
pub(crate) mod chaos;
pub(crate) mod chromium;
#[cfg(feature = "cluster")]
pub(crate) mod cluster;
pub(crate) mod connection;
pub(crate) mod conversation;
pub(crate) mod emulator;
pub(crate) mod fixtures;
pub(crate) mod gate;
pub(crate) mod kafka;
pub(crate) mod orders_api;
pub(crate) mod orders_topic;
pub(crate) mod pages;
pub(crate) mod project;
// By this it may print.
#[cfg(test)]
pub(crate) mod properties;
pub(crate) mod registry;
pub(crate) mod s3;
pub(crate) mod services;
pub(crate) mod shared;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod webhook;
