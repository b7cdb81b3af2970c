//! Calls of hosted tools, as tasks that a person can follow.
//!
//! The model's server stores nothing, and the next round does not get these items back as they came. OpenAI accepts an
//! `mcp_call` of an answer that it did not store, but does not show it to the model
//! (<https://community.openai.com/t/1417414>), which would call the tool a second time; so the next round gets it as a
//! function call with its output. Web searches and programs are left out: their items do not contain the result, to run
//! them again changes nothing, and the model's thoughts, which the next round gets, mention them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::builders::{file_source, page_source};
use crate::model::tokens::HostedCalls;
use crate::model::wire::{each_known, known};
use crate::protocol::{Source, StatusIndicator, Task};

/// A search may have looked at a hundred pages, and each change of a task repeats all its sources.
const MAX_SOURCES: usize = 20;

#[derive(Debug)]
pub(super) struct HostedToolCall {
    pub(super) id: Option<String>,
    has_failed: bool,
    /// What later prompts must contain.
    pub(super) mcp_call: Option<McpCall>,
    kind: Kind,
}

/// A call of an MCP server's tool, in the form of a function call.
#[derive(Debug)]
pub(super) struct McpCall {
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
    McpTool(McpTool),
    McpTools(McpTool),
    McpApproval(McpTool),
    /// A type that is not known here and ends in `_call`: its name without that.
    Other(String),
}

/// The fields that all of them have.
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

/// A search, a page that is opened, or a text that is looked for in a page, by the fields that are set.
#[derive(Debug, Default, Deserialize)]
struct Action {
    /// A single query, in the older form.
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
    results: Vec<FoundFile>,
}

#[derive(Debug, Default, Deserialize)]
struct FoundFile {
    #[serde(default, deserialize_with = "known")]
    filename: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct McpTool {
    #[serde(default, deserialize_with = "known")]
    name: Option<String>,
    #[serde(default, deserialize_with = "known")]
    server_label: Option<String>,
}

impl HostedToolCall {
    /// `None` for an item of another type.
    pub(super) fn from_item(item: Value) -> Option<Self> {
        let Head { id, status, error } = Head::deserialize(&item).ok()?;
        let has_failed = !error.is_null() || matches!(status.as_deref(), Some("failed" | "incomplete"));
        let code = item["code"].as_str().map(ToOwned::to_owned);
        let mcp_call = McpCall::from_item(&item, has_failed.then_some(&error));
        let kind = match item["type"].as_str()? {
            "web_search_call" => Kind::WebSearch(serde_json::from_value(item).unwrap_or_default()),
            "file_search_call" => Kind::FileSearch(serde_json::from_value(item).unwrap_or_default()),
            "code_interpreter_call" => Kind::CodeInterpreter { code },
            "mcp_call" => Kind::McpTool(serde_json::from_value(item).unwrap_or_default()),
            "mcp_list_tools" => Kind::McpTools(serde_json::from_value(item).unwrap_or_default()),
            "mcp_approval_request" => Kind::McpApproval(serde_json::from_value(item).unwrap_or_default()),
            other => Kind::Other(other.strip_suffix("_call")?.to_owned()),
        };
        Some(Self { id, has_failed, mcp_call, kind })
    }

    /// A web search before its query is known.
    pub(super) fn web_search() -> Task {
        Kind::WebSearch(WebSearch::default()).task(false)
    }

    /// A file search before its results are known.
    pub(super) fn file_search() -> Task {
        Kind::FileSearch(FileSearch::default()).task(false)
    }

    pub(super) fn program(code: Option<String>) -> Task {
        Kind::CodeInterpreter { code }.task(false)
    }

    pub(super) fn task(self) -> Task {
        self.kind.task(self.has_failed)
    }

    /// What is billed beside the tokens. A look at a page that was found is no search.
    pub(super) fn billed_calls(&self) -> HostedCalls {
        let none = HostedCalls::default();
        match &self.kind {
            Kind::WebSearch(search) if search.is_search() => HostedCalls { web_search: 1, ..none },
            Kind::FileSearch(_) => HostedCalls { file_search: 1, ..none },
            Kind::CodeInterpreter { .. } => HostedCalls { code_interpreter: 1, ..none },
            _ => none,
        }
    }
}

impl McpCall {
    /// `None` unless the item is a finished call.
    fn from_item(item: &Value, error: Option<&Value>) -> Option<Self> {
        /// "Function calling" of OpenAI's guide.
        const MAX_FUNCTION_NAME_CHARS: usize = 64;
        let name = item["name"].as_str().filter(|name| item["type"] == "mcp_call" && !name.is_empty())?;
        let output = match (item["output"].as_str(), error) {
            (_, Some(error)) => json!({ "error": error }).to_string(),
            (Some(output), None) => output.to_owned(),
            (None, None) => return None,
        };
        let allowed =
            |character: char| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' };
        Some(Self {
            name: name.chars().take(MAX_FUNCTION_NAME_CHARS).map(allowed).collect(),
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
            Self::McpTool(McpTool { name, server_label }) => {
                let title = title_or(name.or(server_label), "Using a tool");
                custom(&title, "bolt", failure(has_failed, "The tool failed."))
            }
            Self::McpTools(McpTool { server_label, .. }) => {
                let title = title_or(server_label.map(|label| format!("Tools of {label}")), "Tools");
                custom(&title, "bolt", failure(has_failed, "The tools cannot be reached."))
            }
            Self::McpApproval(McpTool { name, server_label }) => {
                let title = title_or(name.or(server_label), "Using a tool");
                custom(&title, "bolt", Some("The tool was not allowed.".to_owned()))
            }
            Self::Other(name) => {
                custom(&title_or(words(&name), "Using a tool"), "bolt", failure(has_failed, "The tool failed."))
            }
        }
    }
}

impl WebSearch {
    fn is_search(&self) -> bool {
        self.action.as_ref().is_none_or(|action| action.url.is_none())
    }

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
        let opened_page = Page { url, title: None };
        let pages = [opened_page].into_iter().chain(sources).filter_map(|page| page_source(page.url, page.title));
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

/// The first sources, each once.
fn distinct(sources: impl Iterator<Item = Source>) -> Vec<Source> {
    let mut distinct = Vec::new();
    for source in sources {
        if distinct.len() < MAX_SOURCES && !distinct.contains(&source) {
            distinct.push(source);
        }
    }
    distinct
}

/// `icon` must be one of ChatKit's: with any other its client may refuse the whole event.
fn custom(title: &str, icon: &str, content: Option<String>) -> Task {
    let status_indicator = StatusIndicator::None;
    Task::Custom { status_indicator, title: Some(title.to_owned()), icon: Some(icon.to_owned()), content }
}

fn failure(has_failed: bool, text: &str) -> Option<String> {
    has_failed.then(|| text.to_owned())
}

fn title_or(name: Option<String>, default: &str) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// `local_shell` as `Local shell`.
fn words(name: &str) -> Option<String> {
    let mut characters = name.chars().map(|character| if character == '_' { ' ' } else { character });
    let first = characters.next()?;
    Some(first.to_uppercase().chain(characters).collect())
}

/// The code as a block of Markdown, with a fence that the code does not contain.
fn fenced(code: &str) -> String {
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}python\n{}\n{fence}", code.trim_end())
}
