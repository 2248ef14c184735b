//! What stands for the roles of a cluster in a program that was built without them.

use crate::error::Error;

/// What a person is told who asks for them.
pub fn refused() -> Error {
    Error::usage("this dfpipe was built without `cluster`")
        .with_hint("build it with `cargo build --release --features cluster`")
}
