use serde::{Deserialize, Serialize};

/// A question that takes over the composer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what they are; their meaning is ChatKit's")]
pub enum StructuredInput {
    /// Pick from a list.
    MultipleChoice {
        id: String,
        question: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Answer>,
        options: Vec<Choice>,
        #[serde(default)]
        multiple: bool,
    },
    /// Write something.
    Freeform {
        id: String,
        question: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Answer>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

/// One thing to pick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is shown and sent back.
    pub value: String,
}

/// What the user answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The chosen or written values.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether the user passed the question over.
    #[serde(default)]
    pub skipped: bool,
}

/// Whether the user has answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredInputStatus {
    /// Not yet.
    #[default]
    Pending,
    /// Answered.
    Answered,
    /// Passed over.
    Skipped,
}
