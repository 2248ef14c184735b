//! The SQL functions of dfpipe, one per file.
//!
//! They live in a crate of their own so that whatever executes SQL (the engine, the shell, a test, a
//! remote executor) registers the same functions in the same way: [`register_all`].
//!
//! ```text
//! identity   normalize_email   Anna@Example.com  -> anna@example.com
//!            email_hash        Anna@Example.com  -> 6d57… (HMAC-SHA-256 of the normalized address)
//!            canonical_id      cust-00042        -> CUST42
//! events     canonical_event   Page Viewed       -> page_view
//! scoring    activity_status   12                -> at_risk
//!            engagement_score  counts, weights   -> 0..=100
//! ```
//!
//! Beside the functions stand the two types that decoders and logs use before any SQL runs:
//! [`EmailHasher`] for fields that are known to hold an address, and [`mask::Masker`] for text that
//! may hold one. Both agree with `email_hash`, so that a join works whatever hashed the address.
//!
//! A new function is a new file, a line in [`functions`] and cases in `tests/sql/<function>.slt`.

mod activity_status;
mod canonical_event;
mod canonical_id;
mod email_hash;
mod email_hasher;
mod engagement_score;
pub mod mask;
mod normalize_email;
mod settings;
#[cfg(test)]
mod testing;
mod text;

use std::sync::Arc;

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::ScalarUDF;

pub use activity_status::activity_status;
pub use canonical_event::{EVENTS, canonical_event};
pub use canonical_id::canonical_id;
pub use email_hasher::EmailHasher;
pub use normalize_email::normalize_email;
pub use settings::{HashKey, UdfSettings};

/// Registers every function of this crate.
///
/// # Errors
///
/// When the key for e-mail hashes is empty (anyone could compute such hashes), or when the registry
/// takes no functions.
pub fn register_all(registry: &mut dyn FunctionRegistry, settings: &UdfSettings) -> Result<()> {
    if settings.email_hash_key.is_empty() {
        return plan_err!("the key for e-mail hashes is empty");
    }
    for function in functions(settings) {
        registry.register_udf(Arc::new(function))?;
    }
    Ok(())
}

/// The list: every function of this crate, ready to be registered or documented.
#[must_use]
pub fn functions(settings: &UdfSettings) -> Vec<ScalarUDF> {
    let hasher = EmailHasher::new(settings.email_hash_key.expose());
    vec![
        ScalarUDF::new_from_impl(activity_status::ActivityStatus::new()),
        ScalarUDF::new_from_impl(canonical_event::CanonicalEvent::new()),
        ScalarUDF::new_from_impl(canonical_id::CanonicalId::new()),
        ScalarUDF::new_from_impl(email_hash::EmailHash::new(hasher)),
        ScalarUDF::new_from_impl(engagement_score::EngagementScore::new()),
        ScalarUDF::new_from_impl(normalize_email::NormalizeEmail::new()),
    ]
}

#[cfg(test)]
mod tests {
    use datafusion::execution::context::SessionContext;

    use super::*;

    #[test]
    fn the_list_is_sorted_by_name() {
        let names: Vec<_> = functions(&settings())
            .iter()
            .map(|f| f.name().to_owned())
            .collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    /// `SHOW FUNCTIONS` takes the names of arguments from the documentation, calls take them from
    /// the signature: a person must see the names that work.
    #[test]
    fn every_function_is_documented_with_the_arguments_it_takes() {
        for function in functions(&settings()) {
            let name = function.name();
            let documentation = function.documentation().expect(name);
            let documented: Vec<_> = documentation
                .arguments
                .iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect();
            assert_eq!(
                Some(&documented),
                function.signature().parameter_names.as_ref(),
                "{name}"
            );
            assert!(documentation.sql_example.is_some(), "{name} has no example");
            assert!(
                documentation
                    .syntax_example
                    .starts_with(&format!("{name}(")),
                "{name}"
            );
        }
    }

    #[test]
    fn every_function_can_be_found_after_registration() {
        let mut context = SessionContext::new();
        register_all(&mut context, &settings()).unwrap();
        for function in functions(&settings()) {
            assert!(context.udf(function.name()).is_ok(), "{}", function.name());
        }
    }

    #[test]
    fn an_empty_key_is_refused() {
        let mut context = SessionContext::new();
        let error = register_all(&mut context, &UdfSettings::new("")).unwrap_err();
        assert!(
            error.to_string().contains("key for e-mail hashes is empty"),
            "{error}"
        );
    }

    fn settings() -> UdfSettings {
        UdfSettings::new("a key")
    }
}
