use serde_json::{Value, json};

use super::request::{Request, Tool, ToolChoice};

/// A tool that the demo model uses before its text, or in place of it.
#[derive(Debug)]
pub(super) enum Act {
    /// Calls a function; the text comes after the output, in the answer to another request.
    Call {
        name: &'static str,
        arguments: Value,
    },
    Search {
        query: String,
    },
    Draw {
        /// How many previews come before the picture.
        previews: usize,
    },
}

/// The words of a message, in lower case.
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let words = text.split(|character: char| !character.is_alphanumeric());
        Self(words.map(ToOwned::to_owned).collect())
    }

    /// Whether the keyword is among them, in the singular or the plural.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.0.iter().any(|word| word == keyword || word.strip_suffix('s') == Some(keyword))
    }

    fn has_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.has(keyword))
    }
}

impl Act {
    /// The tool for the newest message, if the request offers one or requires it.
    pub(super) fn about(latest: &str, words: &Words, request: &Request) -> Option<Self> {
        let offer = Offer(request);
        let wants_theme = words.has_any(&["theme", "dark"]) || words.has("light") && words.has("mode");
        if offer.wants("set_theme", wants_theme) {
            let theme = if words.has("light") { "light" } else { "dark" };
            return Some(Self::Call { name: "set_theme", arguments: json!({ "theme": theme }) });
        }
        if offer.wants("find_products", words.has_any(&["product", "shop", "buy"])) {
            return Some(Self::Call { name: "find_products", arguments: json!({ "query": latest.trim() }) });
        }
        if offer.wants("ask_preferences", words.has("question") || words.has("plan") && words.has("trip")) {
            return Some(Self::Call { name: "ask_preferences", arguments: json!({ "topic": "trip" }) });
        }
        if offer.wants("web_search", words.has("news") || words.has("search") && words.has("web")) {
            return Some(Self::Search { query: latest.trim().to_owned() });
        }
        if offer.wants("image_generation", words.has_any(&["picture", "draw"])) {
            return Some(Self::Draw { previews: offer.tool("image_generation").map_or(0, |tool| tool.partial_images) });
        }
        None
    }
}

struct Offer<'a>(&'a Request);

impl<'a> Offer<'a> {
    /// Whether to use this tool: the request requires it, or offers it and the message asks for it.
    fn wants(&self, name: &str, is_asked_for: bool) -> bool {
        match &self.0.tool_choice {
            Some(ToolChoice::Tool(tool)) => tool.name() == name,
            Some(ToolChoice::Mode(mode)) if mode == "none" => false,
            Some(ToolChoice::Mode(_)) | None => is_asked_for && self.tool(name).is_some(),
        }
    }

    fn tool(&self, name: &str) -> Option<&'a Tool> {
        self.0.tools.iter().find(|tool| tool.name() == name)
    }
}
