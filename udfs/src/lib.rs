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
//!            event_kind        basket_paid       -> what a table of ours says, else the same
//! scoring    activity_status   12                -> at_risk
//!            engagement_score  counts, weights   -> 0..=100
//! scaling    min_max_scale, z_score, robust_scale, winsorize   x over ()   -> x against its column
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
mod distinct_count;
mod email_hash;
mod email_hasher;
mod engagement_score;
mod event_kind;
mod few;
pub mod mask;
mod normalize_email;
#[cfg(test)]
#[path = "../../tests/it/support/properties.rs"]
mod properties;
mod scaling;
mod settings;
#[cfg(test)]
mod testing;
mod text;
mod utc_date;

use std::sync::Arc;

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub use activity_status::activity_status;
pub use canonical_event::{EVENTS, canonical_event};
pub use canonical_id::canonical_id;
pub use distinct_count::counts_distinct;
pub use email_hasher::EmailHasher;
pub use normalize_email::normalize_email;
pub use scaling::ScalingCall;
pub use settings::{HashKey, UdfSettings};
pub use utc_date::counts_in_utc;

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
    let (fits, transforms) = halves();
    for function in functions(settings)
        .into_iter()
        .chain(transforms)
        .chain([utc_date()])
    {
        registry.register_udf(Arc::new(function))?;
    }
    for function in window_functions() {
        registry.register_udwf(Arc::new(function))?;
    }
    for function in fits.into_iter().chain([distinct_count()]) {
        registry.register_udaf(Arc::new(function))?;
    }
    Ok(())
}

/// The list: every function on the values of one row, ready to be registered or documented.
#[must_use]
pub fn functions(settings: &UdfSettings) -> Vec<ScalarUDF> {
    let hasher = EmailHasher::new(settings.email_hash_key.expose());
    vec![
        ScalarUDF::new_from_impl(activity_status::ActivityStatus::new()),
        ScalarUDF::new_from_impl(canonical_event::CanonicalEvent::new()),
        ScalarUDF::new_from_impl(canonical_id::CanonicalId::new()),
        ScalarUDF::new_from_impl(email_hash::EmailHash::new(hasher)),
        ScalarUDF::new_from_impl(engagement_score::EngagementScore::new()),
        ScalarUDF::new_from_impl(event_kind::EventKind::new()),
        ScalarUDF::new_from_impl(normalize_email::NormalizeEmail::new()),
    ]
}

/// The list of the functions over windows.
#[must_use]
pub fn window_functions() -> Vec<WindowUDF> {
    scaling::windows()
}

/// How the function `name` is called, if it is one of this crate.
#[must_use]
pub fn syntax(name: &str) -> Option<String> {
    let is_meant = |other: &str| other.eq_ignore_ascii_case(name);
    // The key matters to who calls a function, and here nobody does.
    let functions = functions(&UdfSettings::new(name));
    let function = functions.iter().find(|one| is_meant(one.name()));
    let windows = window_functions();
    let window = windows.iter().find(|one| is_meant(one.name()));
    let documentation = function
        .and_then(ScalarUDF::documentation)
        .or_else(|| window?.documentation())?;
    Some(documentation.syntax_example.clone())
}

/// The constants of the function `name` that a call may leave out, by the names of their arguments, in their
/// order; none for a function that takes all that it names.
///
/// A session resolves a call that leaves the last ones out. One that names a later argument and leaves out an
/// earlier one needs them to be written into the statement before it is planned.
#[must_use]
pub fn defaults(name: &str) -> &'static [(&'static str, f64)] {
    if name.eq_ignore_ascii_case(engagement_score::NAME) {
        &engagement_score::DEFAULTS
    } else {
        &[]
    }
}

/// The halves that the engine puts in the place of a window function ([`ScalingCall`]). A remote
/// executor finds them by their names; people do not write them.
#[must_use]
pub fn halves() -> (Vec<AggregateUDF>, Vec<ScalarUDF>) {
    (scaling::fits(), scaling::transforms())
}

/// What the engine puts in the place of `cast(… as date)`, where [`counts_in_utc`]. A remote executor finds it by its
/// name; people do not write it.
#[must_use]
pub fn utc_date() -> ScalarUDF {
    ScalarUDF::new_from_impl(utc_date::UtcDate::new())
}

/// What the engine puts in the place of `count(distinct …)` beside other aggregates. A remote executor finds it by
/// its name; people do not write it.
#[must_use]
pub fn distinct_count() -> AggregateUDF {
    AggregateUDF::new_from_impl(distinct_count::DistinctCount::new())
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
        let functions = functions(&settings()).into_iter().map(|function| {
            let documentation = function.documentation().cloned();
            (
                function.signature().clone(),
                documentation,
                function.name().to_owned(),
            )
        });
        let windows = window_functions().into_iter().map(|function| {
            let documentation = function.documentation().cloned();
            (
                function.signature().clone(),
                documentation,
                function.name().to_owned(),
            )
        });
        for (signature, documentation, name) in functions.chain(windows) {
            let documentation = documentation.expect(&name);
            let documented: Vec<_> = documentation
                .arguments
                .iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect();
            assert_eq!(
                Some(&documented),
                signature.parameter_names.as_ref(),
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
        for function in window_functions() {
            assert!(context.udwf(function.name()).is_ok(), "{}", function.name());
        }
        let (fits, transforms) = halves();
        for (fit, transform) in fits.iter().zip(&transforms) {
            assert!(context.udaf(fit.name()).is_ok(), "{}", fit.name());
            assert!(
                context.udf(transform.name()).is_ok(),
                "{}",
                transform.name()
            );
        }
        assert!(context.udaf(distinct_count().name()).is_ok());
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
