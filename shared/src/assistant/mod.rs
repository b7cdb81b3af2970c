//! Who answers: the assistant as its owner configures it, in a few variables or in one JSON document.

mod document;
mod error;
mod schema;
mod template;
mod tools;

pub(crate) use document::{BoundedInteger, Label, present, read};
pub use error::DocumentError;
pub use tools::{ClientChoice, Function, Runner, Tool};

use std::collections::HashSet;

use serde_json::Value;

use document::{Document, ModelChoice};
use template::Template;

use crate::endpoints::Endpoint;
use crate::env::{Env, EnvError};
use crate::identity::Identity;
use crate::model::Api;
use crate::protocol::{Object, ObjectOnly};

/// The assistant: its model, instructions, tools and limits.
#[derive(Debug, Clone)]
pub struct Assistant {
    pub model: String,
    /// The models that a person may choose in the composer.
    pub models: Vec<ClientChoice>,
    /// With its placeholders.
    pub instructions: Option<String>,
    /// `instructions`, parsed.
    template: Option<Template>,
    /// How long a reasoning model thinks, such as `low`.
    pub reasoning_effort: Option<String>,
    /// Whether the model is asked for summaries of its reasoning. OpenAI grants them to verified organizations only.
    pub reasoning_summaries: bool,
    /// Tokens of one answer, reasoning included.
    pub max_output_tokens: u32,
    /// Estimated tokens of the newest part of the conversation, which is what the model is shown.
    pub max_context_tokens: u32,
    /// What becomes of a conversation that outgrows them.
    pub memory: Memory,
    /// Rounds of one turn, each but the last with calls of tools.
    pub max_rounds: u32,
    pub tools: Vec<Tool>,
    /// The tools that a person may choose in the composer.
    pub tool_choices: Vec<ClientChoice>,
    /// The endpoint for the actions of widgets.
    pub actions: Option<Endpoint>,
    /// What becomes the title of a new thread.
    pub titles: Titles,
    /// Whether each turn ends with an `end_of_turn` item.
    pub end_of_turn: bool,
    /// The domains from which the client may show images; none means all.
    pub allowed_image_domains: Option<Vec<String>>,
}

/// What becomes the title of a new thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Titles {
    /// What the model makes of the first message.
    Model,
    /// The beginning of the first message.
    Message,
    /// Nothing: the site gives titles, or has none.
    Off,
}

impl Titles {
    /// Reads `TITLES`.
    fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "TITLES";
        match env.get(NAME) {
            None | Some("model") => Ok(Self::Model),
            Some("message") => Ok(Self::Message),
            Some("off") => Ok(Self::Off),
            Some(_) => Err(EnvError::new(NAME, "must be `model`, `message` or `off`")),
        }
    }
}

/// What the model knows of the part of a conversation that it is no longer shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Memory {
    /// Nothing.
    #[default]
    Cut,
    /// A summary.
    Compact,
}

impl Assistant {
    /// The variable with the document.
    pub const VARIABLE: &str = "ASSISTANT";

    /// The model if neither the document nor `MODEL` names one.
    pub(crate) const DEFAULT_MODEL: &str = "gpt-6-luna";

    /// Reads `ASSISTANT`, the document itself or the path of its file; and for what the document leaves out, `MODEL`,
    /// `INSTRUCTIONS`, `MAX_OUTPUT_TOKENS` (8192), `MAX_CONTEXT_TOKENS` (16000) and `REASONING_SUMMARIES` (`false`);
    /// and `TITLES` (`model`). `MODEL_API` decides which tools there can be.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let in_document = |error: DocumentError| EnvError::new(Self::VARIABLE, format!("is invalid: {error}"));
        let document = match env.document(Self::VARIABLE)? {
            Some(json) => Document::parse(&json).map_err(in_document)?,
            None => Document::default(),
        };
        for (variable, field, is_in_document) in [
            ("MODEL", "model", document.model.is_some()),
            ("REASONING_SUMMARIES", "reasoning.summaries", document.reasoning.0.summaries.is_some()),
            ("INSTRUCTIONS", "instructions", document.instructions.is_some()),
            ("MAX_OUTPUT_TOKENS", "max_output_tokens", document.max_output_tokens.is_some()),
            ("MAX_CONTEXT_TOKENS", "max_context_tokens", document.max_context_tokens.is_some()),
        ] {
            if is_in_document && env.get(variable).is_some() {
                let wants = format!("must not be set where `{field}` is in `{}`", Self::VARIABLE);
                return Err(EnvError::new(variable, wants));
            }
        }
        Self::read(document, env, in_document)
    }

    /// A tenant's own, from the field `assistant` of its settings. What it leaves out is as the variables say it.
    pub(crate) fn of_tenant(document: Object, env: &Env) -> Result<Self, DocumentError> {
        let document = read("", Value::Object(document)).map(|ObjectOnly(document)| document);
        let read = |document| Self::read(document, env, |error| EnvError { name: error.place, wants: error.wants });
        let at = |place: &str, wants| match place.trim_matches('`') {
            "the document" => DocumentError::at("assistant", wants),
            place => DocumentError::at(&format!("assistant.{place}"), wants),
        };
        let document = document.map_err(|error| at(&error.place, error.wants))?;
        read(document).map_err(|error| at(&error.name, error.wants))
    }

    fn read(
        document: Document,
        env: &Env,
        in_document: impl Fn(DocumentError) -> EnvError + Copy,
    ) -> Result<Self, EnvError> {
        let tools = tools::tools(document.tools, Api::from_env(env)?).map_err(in_document)?;
        let tool_choices = tools::choices(document.composer.0.tools, &tools).map_err(in_document)?;
        let models: Vec<_> = document.composer.0.models.into_iter().map(|choice| choice.0.into()).collect();
        for (choices, list) in [(&models, "models"), (&tool_choices, "tools")] {
            unique_ids(choices, list).map_err(in_document)?;
        }
        let (instructions, template) = match (document.instructions, env.get("INSTRUCTIONS")) {
            (Some(text), _) => {
                let wrong = |wants: String| in_document(DocumentError::at("instructions", wants));
                let template = Template::parse(&text.0).map_err(wrong)?;
                (Some(text.0), Some(template))
            }
            (None, Some(text)) => {
                let template = Template::parse(text).map_err(|wants| EnvError::new("INSTRUCTIONS", wants))?;
                (Some(text.to_owned()), Some(template))
            }
            (None, None) => (None, None),
        };
        let model = document.model.map(|model| model.0);
        Ok(Self {
            model: model.unwrap_or_else(|| env.get("MODEL").unwrap_or(Self::DEFAULT_MODEL).to_owned()),
            models,
            instructions,
            template,
            reasoning_effort: document.reasoning.0.effort.map(|effort| effort.0),
            reasoning_summaries: match document.reasoning.0.summaries {
                Some(summaries) => summaries,
                None => env.parsed("REASONING_SUMMARIES", false, "`true` or `false`")?,
            },
            max_output_tokens: tokens(env, "MAX_OUTPUT_TOKENS", document.max_output_tokens, 8_192)?,
            max_context_tokens: tokens(env, "MAX_CONTEXT_TOKENS", document.max_context_tokens, 16_000)?,
            memory: document.memory.unwrap_or_default(),
            max_rounds: document.max_rounds.map_or(8, |rounds| rounds.0),
            tools,
            tool_choices,
            actions: document.actions.map(|actions| actions.0.into()),
            titles: Titles::from_env(env)?,
            end_of_turn: document.end_of_turn,
            allowed_image_domains: document
                .allowed_image_domains
                .map(|domains| domains.into_iter().map(|domain| domain.0).collect()),
        })
    }

    /// The instructions with the values of this person in place of the placeholders.
    pub fn instructions_for(&self, identity: &Identity) -> Option<String> {
        self.template.as_ref().map(|template| template.render(identity))
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions().find(|function| function.name == name)
    }

    pub fn has_endpoints(&self) -> bool {
        self.actions.is_some() || self.functions().any(|function| matches!(function.runner, Runner::Server(_)))
    }

    /// The assistant with such tools only.
    #[must_use]
    pub(crate) fn with_tools(&self, may_have: impl Fn(&Tool) -> bool) -> Self {
        let tools: Vec<_> = self.tools.iter().filter(|tool| may_have(tool)).cloned().collect();
        let is_there = |choice: &&ClientChoice| tools.iter().any(|tool| tool.choice() == choice.value);
        let tool_choices = self.tool_choices.iter().filter(is_there).cloned().collect();
        Self { tools, tool_choices, ..self.clone() }
    }

    fn functions(&self) -> impl Iterator<Item = &Function> {
        self.tools.iter().filter_map(|tool| match tool {
            Tool::Function(function) => Some(function),
            Tool::Hosted { .. } => None,
        })
    }
}

impl From<ModelChoice> for ClientChoice {
    fn from(choice: ModelChoice) -> Self {
        Self { id: choice.id.0, label: choice.label.0, icon: None, value: choice.model.0.into() }
    }
}

fn unique_ids(choices: &[ClientChoice], list: &str) -> Result<(), DocumentError> {
    let mut seen = HashSet::new();
    match choices.iter().position(|choice| !seen.insert(&choice.id)) {
        Some(index) => Err(DocumentError::at(&format!("composer.{list}[{index}].id"), "repeats an earlier id")),
        None => Ok(()),
    }
}

fn tokens(env: &Env, variable: &str, in_document: Option<document::Tokens>, default: u32) -> Result<u32, EnvError> {
    if let Some(tokens) = in_document {
        return Ok(tokens.0);
    }
    let value = env.parsed(variable, default, "a whole number of tokens")?;
    if value < 16 { Err(EnvError::new(variable, "must be at least 16 tokens")) } else { Ok(value) }
}
