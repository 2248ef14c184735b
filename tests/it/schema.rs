//! Editors complete dfpipe.yml by a schema that is made from the code: the committed copy is fresh.

use std::path::Path;

use crate::support::project::Project;

#[test]
fn the_committed_schema_is_what_the_binary_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dfpipe.schema.json");
    let committed = fs_err::read_to_string(path).expect("the schema is committed");
    let printed = Project::empty().succeed(["schema"]).stdout;
    assert!(
        printed == committed,
        "dfpipe.schema.json is stale; renew it: cargo run -- schema > dfpipe.schema.json"
    );
}
