//! What the model's server does itself, as tasks that a person can follow.
//!
//! Between the rounds of a turn nothing of it is given back as it came, because nothing is stored there. An `mcp_call` of
//! an answer that is not stored is taken in a later input and then left out of what the model reads
//! (<https://community.openai.com/t/1417414>), and the model would call the tool a second time; so it is told as a
//! function call with its output. Searches of the web and programs say what was done, not what was found or came out;
//! doing them again changes nothing, and the model's thoughts, which are given back, remember them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::annotation::{file_source, page_source};
use crate::model::lenient::{each_known, known};
use crate::protocol::{Source, StatusIndicator, Task};

/// How many sources a task shows. A search may have looked at a hundred pages, and each change repeats the whole task.
const SOURCES: usize = 20;

/// An item of something that the model's server does.
#[derive(Debug)]
pub(super) struct Hosted {
    pub(super) id: Option<String>,
    /// Whether it went wrong, if that is known.
    has_failed: bool,
    /// What the model has to be told of again.
    pub(super) call: Option<RemoteCall>,
    kind: Kind,
}

/// A call of another server's tool, as one of a function.
#[derive(Debug)]
pub(super) struct RemoteCall {
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) output: String,
}

#[derive(Debug)]
enum Kind {
    WebSearch(WebSearch),
    FileSearch(FileSearch),
    CodeInterpreter {
        code: Option<String>,
    },
    RemoteTool(RemoteTool),
    RemoteTools(RemoteTool),
    Approval(RemoteTool),
    /// Whatever else ends in `_call`: its name without that.
    Other(String),
}

/// What all of them have.
#[derive(Deserialize)]
struct Head {
    #[serde(default, deserialize_with = "known")]
    id: Option<String>,
    #[serde(default, deserialize_with = "known")]
    status: Option<String>,
    #[serde(default)]
    error: Value,
}

#[derive(Debug, Default, Deserialize)]
struct WebSearch {
    #[serde(default, deserialize_with = "known")]
    action: Option<Action>,
}

/// A search, a page that is opened, or something that is looked for in it: what it has says which.
#[derive(Debug, Default, Deserialize)]
struct Action {
    /// The older name of a single query.
    #[serde(default, deserialize_with = "known")]
    query: Option<String>,
    #[serde(default, deserialize_with = "each_known")]
    queries: Vec<String>,
    #[serde(default, deserialize_with = "each_known")]
    sources: Vec<Page>,
    #[serde(default, deserialize_with = "known")]
    url: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pattern: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "known")]
    url: Option<String>,
    #[serde(default, deserialize_with = "known")]
    title: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct FileSearch {
    #[serde(default, deserialize_with = "each_known")]
    results: Vec<Found>,
}

#[derive(Debug, Default, Deserialize)]
struct Found {
    #[serde(default, deserialize_with = "known")]
    filename: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct RemoteTool {
    #[serde(default, deserialize_with = "known")]
    name: Option<String>,
    #[serde(default, deserialize_with = "known")]
    server_label: Option<String>,
}

impl Hosted {
    /// The item, if it is one of these.
    pub(super) fn read(item: Value) -> Option<Self> {
        let Head { id, status, error } = Head::deserialize(&item).ok()?;
        let has_failed = !error.is_null() || matches!(status.as_deref(), Some("failed" | "incomplete"));
        let code = item["code"].as_str().map(ToOwned::to_owned);
        let call = RemoteCall::read(&item, has_failed.then_some(&error));
        let kind = match item["type"].as_str()? {
            "web_search_call" => Kind::WebSearch(serde_json::from_value(item).unwrap_or_default()),
            "file_search_call" => Kind::FileSearch(serde_json::from_value(item).unwrap_or_default()),
            "code_interpreter_call" => Kind::CodeInterpreter { code },
            "mcp_call" => Kind::RemoteTool(serde_json::from_value(item).unwrap_or_default()),
            "mcp_list_tools" => Kind::RemoteTools(serde_json::from_value(item).unwrap_or_default()),
            "mcp_approval_request" => Kind::Approval(serde_json::from_value(item).unwrap_or_default()),
            other => Kind::Other(other.strip_suffix("_call")?.to_owned()),
        };
        Some(Self { id, has_failed, call, kind })
    }

    /// A search of the web of which nothing is known yet.
    pub(super) fn web_search() -> Task {
        Kind::WebSearch(WebSearch::default()).task(false)
    }

    /// A search of files of which nothing is known yet.
    pub(super) fn file_search() -> Task {
        Kind::FileSearch(FileSearch::default()).task(false)
    }

    /// A program, with its code where it is known.
    pub(super) fn program(code: Option<String>) -> Task {
        Kind::CodeInterpreter { code }.task(false)
    }

    /// What a person sees of it.
    pub(super) fn task(self) -> Task {
        self.kind.task(self.has_failed)
    }
}

impl RemoteCall {
    /// The call, if the item is one that is over.
    fn read(item: &Value, error: Option<&Value>) -> Option<Self> {
        /// Characters of a function's name, "Function calling" of OpenAI's guide.
        const LONGEST_NAME: usize = 64;
        let name = item["name"].as_str().filter(|name| item["type"] == "mcp_call" && !name.is_empty())?;
        let output = match (item["output"].as_str(), error) {
            (_, Some(error)) => json!({ "error": error }).to_string(),
            (Some(output), None) => output.to_owned(),
            (None, None) => return None,
        };
        let plain =
            |character: char| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' };
        Some(Self {
            name: name.chars().take(LONGEST_NAME).map(plain).collect(),
            arguments: item["arguments"].as_str().unwrap_or("{}").to_owned(),
            output,
        })
    }
}

impl Kind {
    fn task(self, has_failed: bool) -> Task {
        match self {
            Self::WebSearch(search) => search.task(has_failed),
            Self::FileSearch(search) => search.task(has_failed),
            Self::CodeInterpreter { code } => {
                let code = code.filter(|code| !code.trim().is_empty()).map(|code| fenced(&code));
                custom("Running a program", "square-code", failure(has_failed, "The program failed.").or(code))
            }
            Self::RemoteTool(RemoteTool { name, server_label }) => {
                let title = named(name.or(server_label), "Using a tool");
                custom(&title, "bolt", failure(has_failed, "The tool failed."))
            }
            Self::RemoteTools(RemoteTool { server_label, .. }) => {
                let title = named(server_label.map(|label| format!("Tools of {label}")), "Tools");
                custom(&title, "bolt", failure(has_failed, "The tools cannot be reached."))
            }
            Self::Approval(RemoteTool { name, server_label }) => {
                let title = named(name.or(server_label), "Using a tool");
                custom(&title, "bolt", Some("The tool was not allowed.".to_owned()))
            }
            Self::Other(name) => {
                custom(&named(words(&name), "Using a tool"), "bolt", failure(has_failed, "The tool failed."))
            }
        }
    }
}

impl WebSearch {
    fn task(self, has_failed: bool) -> Task {
        let Action { query, mut queries, sources, url, pattern } = self.action.unwrap_or_default();
        queries.retain(|query| !query.is_empty());
        if queries.is_empty() {
            queries.extend(query.or_else(|| pattern.clone()).filter(|query| !query.is_empty()));
        }
        let title_query = queries.first().cloned();
        let title = match (&url, pattern) {
            _ if has_failed => Some("The search failed"),
            (Some(_), Some(_)) => Some("Searching a page"),
            (Some(_), None) => Some("Reading a page"),
            (None, _) if title_query.is_none() => Some("Searching the web"),
            (None, _) => None,
        };
        let opened = Page { url, title: None };
        let pages = [opened].into_iter().chain(sources).filter_map(|page| page_source(page.url, page.title));
        Task::WebSearch {
            status_indicator: StatusIndicator::None,
            title: title.map(ToOwned::to_owned),
            title_query,
            queries,
            sources: distinct(pages),
        }
    }
}

impl FileSearch {
    fn task(self, has_failed: bool) -> Task {
        let title = if has_failed { "The search failed" } else { "Searching files" };
        let files = self.results.into_iter().filter_map(|found| file_source(found.filename));
        Task::File { status_indicator: StatusIndicator::None, title: Some(title.to_owned()), sources: distinct(files) }
    }
}

/// The first of the sources, each once.
fn distinct(sources: impl Iterator<Item = Source>) -> Vec<Source> {
    let mut distinct = Vec::new();
    for source in sources {
        if distinct.len() < SOURCES && !distinct.contains(&source) {
            distinct.push(source);
        }
    }
    distinct
}

/// `icon` is one of ChatKit's: with any other its client may refuse the whole event.
fn custom(title: &str, icon: &str, content: Option<String>) -> Task {
    let status_indicator = StatusIndicator::None;
    Task::Custom { status_indicator, title: Some(title.to_owned()), icon: Some(icon.to_owned()), content }
}

fn failure(has_failed: bool, text: &str) -> Option<String> {
    has_failed.then(|| text.to_owned())
}

fn named(name: Option<String>, otherwise: &str) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

/// `local_shell` as `Local shell`.
fn words(name: &str) -> Option<String> {
    let mut characters = name.chars().map(|character| if character == '_' { ' ' } else { character });
    let first = characters.next()?;
    Some(first.to_uppercase().chain(characters).collect())
}

/// The code as a block of Markdown that it cannot end itself.
fn fenced(code: &str) -> String {
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}python\n{}\n{fence}", code.trim_end())
}
