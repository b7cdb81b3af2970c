use serde::Deserialize;

/// The body of `POST /v1/responses`, as far as the demo model cares.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) model: String,
    #[serde(default)]
    pub(super) instructions: Option<String>,
    pub(super) input: Input,
    #[serde(default)]
    pub(super) max_output_tokens: Option<u32>,
    #[serde(default)]
    pub(super) prompt_cache_key: Option<String>,
    #[serde(default)]
    pub(super) safety_identifier: Option<String>,
    #[serde(default)]
    pub(super) stream: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Input {
    Text(String),
    Items(Vec<Item>),
}

/// Items that are not messages have neither role nor content.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    role: Option<Role>,
    content: Option<Content>,
}

/// Who says something to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    User,
    Assistant,
    System,
    Developer,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// Parts that are not text have none.
#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

impl Request {
    /// Whether a title for the conversation is wanted, not an answer.
    pub(super) fn wants_title(&self) -> bool {
        self.instructions.as_deref().is_some_and(|instructions| instructions.starts_with("Write a title"))
    }

    /// How many messages there are, whoever wrote them.
    pub(super) fn message_count(&self) -> usize {
        match &self.input {
            Input::Text(_) => 1,
            Input::Items(items) => items.iter().filter(|item| item.role.is_some()).count(),
        }
    }

    /// What the user said, oldest first.
    pub(super) fn user_texts(&self) -> Vec<String> {
        match &self.input {
            Input::Text(text) => vec![text.clone()],
            Input::Items(items) => items.iter().filter(|item| item.is_of(&[Role::User])).map(Item::text).collect(),
        }
    }

    /// All text there is to read, instructions included, in characters.
    pub(super) fn length(&self) -> usize {
        let input = match &self.input {
            Input::Text(text) => text.chars().count(),
            Input::Items(items) => items.iter().map(|item| item.text().chars().count()).sum(),
        };
        input + self.instructions.as_deref().unwrap_or_default().chars().count()
    }
}

impl Item {
    /// Whether one of these wrote it.
    pub(super) fn is_of(&self, roles: &[Role]) -> bool {
        self.role.is_some_and(|role| roles.contains(&role))
    }

    /// Its text; empty if it has none.
    pub(super) fn text(&self) -> String {
        self.content.as_ref().map(Content::text).unwrap_or_default()
    }
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect::<Vec<_>>().join("\n"),
        }
    }
}
