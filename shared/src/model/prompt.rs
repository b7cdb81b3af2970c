/// What the model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The model's name.
    pub model: String,
    /// What the assistant is and how it should answer.
    pub instructions: Option<String>,
    /// The conversation, oldest first.
    pub input: Vec<Input>,
    /// Where the answer is cut, reasoning included.
    pub max_output_tokens: Option<u32>,
    /// Whether to ask for summaries of the model's thoughts. Models without reasoning refuse such a request.
    pub reasoning_summaries: bool,
    /// The user's id, hashed: the upstream's abuse detection wants to tell users apart (`safety_identifier`).
    pub user: Option<String>,
    /// What requests with a common beginning share, so that they meet the same cache (`prompt_cache_key`).
    pub cache_key: Option<String>,
}

/// A turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// What the user said.
    User(Vec<InputPart>),
    /// What the assistant answered.
    Assistant(String),
}

/// A part of what the user said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputPart {
    /// Text.
    Text(String),
}
