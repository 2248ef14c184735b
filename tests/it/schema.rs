//! Editors complete dfpipe.yml by a schema that is made from the code: the committed copy is fresh.

use std::path::Path;

use crate::support::project::Project;

#[test]
fn the_committed_schemas_are_what_the_binary_prints() {
    for (of, file) in [
        ("config", "dfpipe.schema.json"),
        ("receipt", "receipt.schema.json"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let committed = fs_err::read_to_string(path).expect("the schema is committed");
        let printed = Project::empty().succeed(["schema", of]).stdout;
        assert!(
            printed == committed,
            "{file} is stale; renew it: cargo run -- schema {of} > {file}"
        );
    }
}
