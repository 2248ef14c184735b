//! A real S3 server (moto) on loopback, one for each test process, started by the first test that asks.
//!
//! ```text
//! test process ──stdin (a pipe, never written)──▶ python s3_server.py ──stdout──▶ its port, once it listens
//!                                                    └── thread: the pipe is closed → exit
//! ```
//!
//! However the test process ends, the system closes its end of the pipe: no server outlives its tests.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path as Key};
use tokio::runtime::Runtime;

use super::{artefacts, gate::Gate, project::Project, services};
use dfpipe::storage::Location;

pub(crate) struct S3 {
    endpoint: String,
    /// Held for the pipe that keeps the server alive.
    _server: Child,
}

impl S3 {
    /// The server, or `None` where it is not installed: the test has been reported as skipped.
    pub(crate) fn get() -> Option<&'static Self> {
        static S3: OnceLock<S3> = OnceLock::new();
        services::find("python")?;
        // Pages of twenty keys: fifty show what fifty thousand would.
        Some(S3.get_or_init(|| Self::start(&[("MOTO_S3_DEFAULT_MAX_KEYS", "20")])))
    }

    /// A server of the caller's own that knows no key and so refuses every one.
    pub(crate) fn that_knows_nobody() -> Option<Self> {
        services::find("python")?;
        Some(Self::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", "0")]))
    }

    fn start(settings: &[(&str, &str)]) -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut server = Command::new(home.join("target/services/python/bin/python"))
            .arg(home.join("tests/it/support/s3_server.py"))
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C is for the tests alone.
            .process_group(0)
            .spawn()
            .expect("the S3 server can be started");
        let mut port = String::new();
        let stdout = server.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut port)
            .expect("a line can be read");
        assert!(
            !port.is_empty(),
            "the S3 server did not start:\n{}",
            complaint(server)
        );
        Self {
            endpoint: format!("http://127.0.0.1:{}", port.trim_end()),
            _server: server,
        }
    }

    /// A gate of the caller's own before the server.
    pub(crate) fn gate(&self) -> Gate {
        Gate::before(&self.endpoint)
    }

    /// The variables by which everybody's tools find a store.
    pub(crate) fn variables(&self) -> [(String, String); 5] {
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ALLOW_HTTP", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// `project` with those variables set.
    pub(crate) fn serve(&self, project: Project) -> Project {
        let variables = self.variables().into_iter();
        variables.fold(project, |project, (name, value)| {
            project.with_variable(&name, value)
        })
    }

    /// Makes a bucket. The name is the caller's, one for each test.
    pub(crate) fn bucket(&self, name: &str) -> Bucket {
        let runtime = Runtime::new().expect("a runtime can be made");
        let url = format!("{}/{name}", self.endpoint);
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client can be made");
        let made = runtime.block_on(client.put(url).send());
        assert!(made.expect("the server answers").status().is_success());
        let root = Location::parse_with(&format!("s3://{name}"), self.variables());
        Bucket {
            root: root.expect("a bucket is a place"),
            runtime,
        }
    }
}

/// A bucket, seen by other means than dfpipe's own.
pub(crate) struct Bucket {
    root: Location,
    runtime: Runtime,
}

impl Bucket {
    /// The bucket as a place of dfpipe.
    pub(crate) fn root(&self) -> &Location {
        &self.root
    }

    /// Waits for what is asked of a store.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Writes an object, over one that is there.
    pub(crate) fn put(&self, key: &str, content: impl Into<Vec<u8>>) {
        let key = as_key(key);
        let put = self.root.store.put(&key, content.into().into());
        self.wait(put).expect("an object can be written");
    }

    /// Writes the files of a folder under the keys that begin with `prefix`.
    pub(crate) fn put_files(&self, folder: &Path, prefix: &str) {
        for path in artefacts::files(folder) {
            let below = path.strip_prefix(folder).expect("it lies in the folder");
            let content = fs_err::read(&path).expect("a file can be read");
            self.put(&format!("{prefix}/{}", below.display()), content);
        }
    }

    /// What an object holds.
    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        let reading = async {
            let found = self.root.store.get(&as_key(key)).await?;
            found.bytes().await
        };
        self.wait(reading).expect("an object is there").to_vec()
    }

    /// The keys of all objects, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let objects = self.root.store.list(None);
        let keys = objects.map_ok(|object| String::from(object.location));
        let mut keys: Vec<_> = self
            .wait(keys.try_collect())
            .expect("a bucket can be listed");
        keys.sort();
        keys
    }
}

fn as_key(key: &str) -> Key {
    Key::parse(key).expect("a key is a path")
}

/// What a server that has ended said.
fn complaint(mut server: Child) -> String {
    let mut said = String::new();
    let mut stderr = server.stderr.take().expect("it is piped");
    match stderr.read_to_string(&mut said) {
        Ok(_) => said,
        Err(error) => error.to_string(),
    }
}
