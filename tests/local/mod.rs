//! The local server as a program: what it lets in, what it keeps and who may read that.

mod backends_only;
mod doors;
mod hosts;
mod kept;
mod settings;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::gateway::binary;

/// The running program. It ends when this is dropped.
struct Program {
    process: Child,
    /// The first line that it printed.
    line: String,
}

impl Program {
    /// Starts it with these arguments and variables, and no others, and waits for its first line. An umask of its own
    /// would hide what it does about that.
    fn start(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sh");
        let command = command.args(["-c", "umask 022; exec \"$0\" \"$@\""]).arg(binary("chatkit-local"));
        let command = command.args(["--port", "0", "--data"]).arg(data).args(arguments);
        let command = command.env_clear().env("PATH", "/usr/bin:/bin").envs(variables.iter().copied());
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = Vec::new();
        let mut output = process.stdout.take().unwrap();
        let mut byte = [0];
        while output.read(&mut byte).unwrap() > 0 && byte != [b'\n'] {
            line.extend(byte);
        }
        Self { process, line: String::from_utf8(line).unwrap() }
    }

    /// Where it serves the functions.
    fn url(&self) -> &str {
        self.line.strip_prefix("listening on ").unwrap()
    }

    /// All ports that it listens on.
    #[cfg(target_os = "linux")]
    fn ports(&self) -> Vec<u16> {
        let sockets = std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap();
        let sockets = sockets.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        let sockets: Vec<_> = sockets.map(|name| name.display().to_string()).collect();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        // Column 3 is the state, of which 0A is `LISTEN`; column 9 is the socket's number.
        let own = lines.filter(|line| line[3] == "0A" && sockets.contains(&format!("socket:[{}]", line[9])));
        own.map(|line| u16::from_str_radix(line[1].rsplit_once(':').unwrap().1, 16).unwrap()).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Sends exactly these lines and this body; the whole answer, the connection being closed.
fn ask(port: u16, lines: &[&str], body: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = lines.join("\r\n");
    write!(socket, "{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// A request of DynamoDB's API with a signature that nobody made, at this path and with these lines about who asks.
fn dynamodb(port: u16, path: &str, caller: &[&str], operation: &str) -> String {
    let (request, target) = (format!("POST {path} HTTP/1.1"), format!("x-amz-target: DynamoDB_20120810.{operation}"));
    let signature = "authorization: AWS4-HMAC-SHA256 \
                     Credential=local/20261130/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let own = [request.as_str(), "content-type: application/x-amz-json-1.0", "x-amz-date: 20261130T000000Z", signature];
    let lines = [own.as_slice(), &[&target], caller].concat();
    ask(port, &lines, &json!({ "TableName": "threads" }).to_string())
}
