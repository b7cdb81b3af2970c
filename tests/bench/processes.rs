//! A running program, and what Linux says about it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::programs::Programs;

/// A process that ends when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program with these variables and no others. Its log is discarded.
    pub(crate) fn start(command: &mut Command, variables: &[(&str, String)], output: Stdio) -> Self {
        let command = command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        Self(command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The first line that it prints.
    fn first_line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// The most memory that it ever had, in MB (`VmHWM`).
    pub(crate) fn peak_megabytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
    }

    /// The processor time that it has used.
    pub(crate) fn processor_time(&self) -> Duration {
        // A tick of `/proc` is a hundredth of a second on every Linux that Rust supports.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // The fields are counted behind the program's name, which may have spaces.
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |field: usize| fields[field].parse::<u32>().unwrap();
        (ticks(11) + ticks(12)) * TICK
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A server that browsers talk to, with no limit that is ever reached.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) url: String,
}

impl Server {
    /// Ours, which keeps everything in memory and asks the model at `model_url`. With `core` it has only that one,
    /// where the machine can do that.
    pub(crate) fn ours(programs: &Programs, model_url: &str, core: Option<usize>) -> Self {
        let mut command = pinned(programs.path("chatkit-local"), core);
        let limits = [
            ("LIMIT_USER_TURNS_PER_MINUTE", "1000000".to_owned()),
            ("LIMIT_USER_TOKENS_PER_HOUR", "1000000000".to_owned()),
        ];
        Self::start(command.args(["--port", "0", "--memory"]), model_url, &limits)
    }

    /// The official one of the conformance suite, run by a Python that has its packages.
    pub(crate) fn official(python: &Path, model_url: &str, core: Option<usize>) -> Self {
        let mut command = pinned(python, core);
        let variables = [("OPENAI_API_KEY", "none".to_owned()), ("PYTHONPATH", env!("CARGO_MANIFEST_DIR").to_owned())];
        Self::start(command.args(["-m", "conformance.official"]), model_url, &variables)
    }

    fn start(command: &mut Command, model_url: &str, more: &[(&str, String)]) -> Self {
        let mut variables = vec![("PATH", "/usr/bin:/bin".to_owned()), ("OPENAI_BASE_URL", model_url.to_owned())];
        variables.extend(more.iter().cloned());
        let mut process = Process::start(command, &variables, Stdio::piped());
        let line = process.first_line();
        let url = line.trim().strip_prefix("listening on ").expect("the server starts").to_owned();
        Self { process, url }
    }
}

/// A program that has only that core, where the machine can do that.
fn pinned(program: &Path, core: Option<usize>) -> Command {
    let Some(core) = core.filter(|_| has_taskset()) else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// Whether a process can be given a core here.
pub(crate) fn has_taskset() -> bool {
    Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The variables of a function as Lambda starts it, with the Runtime API at `runtime_api`, and more.
pub(crate) fn function_variables<'a>(
    name: &str,
    runtime_api: SocketAddr,
    more: &[(&'a str, String)],
) -> Vec<(&'a str, String)> {
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream".to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AUTH_MODE", "jwt".to_owned()),
        ("HELLO_ANSWERS", "buffered".to_owned()),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        // Counted, and never reached.
        ("LIMIT_ADDRESS_BURST", "1000000".to_owned()),
        ("LIMIT_USER_TURNS_PER_MINUTE", "1000000".to_owned()),
        ("LIMIT_USER_TOKENS_PER_HOUR", "1000000000".to_owned()),
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes".to_owned()),
        ("TABLE_COUNTERS", "counters".to_owned()),
        ("TABLE_THREADS", "threads".to_owned()),
        ("TABLE_USAGE", "usage".to_owned()),
    ];
    variables.extend(more.iter().cloned());
    variables
}

/// What user tokens are signed with.
pub(crate) const JWT_SECRET: &str = "another secret of more than thirty-two bytes";
