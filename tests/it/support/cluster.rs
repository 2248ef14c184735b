//! A cluster on loopback: the real binary as a scheduler and as executors, each a process that is ended with what owns it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use dfpipe::cluster::Hello;

use super::{kafka::free_ports, project::Project};

/// How long the roles may take to know each other, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Cluster {
    pub(crate) address: String,
    scheduler: Child,
    executors: Vec<Child>,
}

impl Cluster {
    /// A scheduler and so many executors, which know each other.
    pub(crate) fn start(project: &Project, executors: usize) -> Self {
        let mut scheduler = project
            .command([
                "cluster",
                "scheduler",
                "--bind",
                "127.0.0.1:0",
                "--host",
                "127.0.0.1",
                // Long enough for a machine that is busy with other tests.
                "--executor-timeout",
                "10",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a scheduler can be started");
        let stderr = scheduler.stderr.take().expect("it is piped");
        let mut line = String::new();
        let mut lines = BufReader::new(stderr);
        lines
            .read_line(&mut line)
            .expect("a scheduler says where it listens");
        // What it says later is nobody's, and must not block it.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
        let address = line
            .trim()
            .rsplit("df://")
            .next()
            .expect("an address")
            .to_owned();
        let mut cluster = Self {
            address,
            scheduler,
            executors: vec![],
        };
        for _ in 0..executors {
            cluster.add(project);
        }
        cluster.wait_until(|hello| hello.executors.len() == executors);
        cluster
    }

    /// Starts one more executor.
    pub(crate) fn add(&mut self, project: &Project) {
        let [port, task_port] = free_ports();
        let executor = project
            .command(["cluster", "executor", "--heartbeat", "1"])
            .args(["--scheduler", &format!("df://{}", self.address)])
            .args([
                "--port",
                &port.to_string(),
                "--task-port",
                &task_port.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.executors
            .push(executor.expect("an executor can be started"));
    }

    /// Kills an executor while none of them can do anything: nothing is finished, and nothing is tidied up.
    pub(crate) fn kill_an_executor_at_its_work(&mut self) {
        self.signal("-STOP");
        let mut executor = self.executors.pop().expect("there is one");
        end(&mut executor);
        self.signal("-CONT");
    }

    /// Kills the scheduler.
    pub(crate) fn kill_scheduler(&mut self) {
        end(&mut self.scheduler);
    }

    /// Sends a signal to every executor.
    pub(crate) fn signal(&self, signal: &str) {
        for executor in &self.executors {
            send(signal, executor.id());
        }
    }

    /// Waits until the scheduler says so.
    pub(crate) fn wait_until(&self, is_so: impl Fn(&Hello) -> bool) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client can be made");
        let url = format!("http://{}/dfpipe", self.address);
        let ask = async || client.get(&url).send().await?.text().await;
        let begun = Instant::now();
        loop {
            let said = runtime.block_on(ask()).ok();
            let hello = said.and_then(|text| serde_json::from_str::<Hello>(&text).ok());
            if hello.as_ref().is_some_and(&is_so) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "it does not come to this: {hello:?}"
            );
            std::thread::yield_now();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.executors.iter_mut().chain([&mut self.scheduler]) {
            end(process);
        }
    }
}

/// Sends a signal to a process.
pub(crate) fn send(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(sent.expect("signals can be sent").success());
}

fn end(process: &mut Child) {
    // It may have ended by itself.
    let _ = process.kill();
    let _ = process.wait();
}
