//! The command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::assistant::Action;

const VARIABLES: &str = "\
Everything else is configured with environment variables. The first five to know:

  OPENAI_API_KEY   the key for OpenAI; without it the built-in demo model answers
  OPENAI_BASE_URL  another server that speaks OpenAI's API, such as http://127.0.0.1:11434/v1
  MODEL            the name of the model
  ASSISTANT        the assistant document: the path of a JSON file, or the JSON itself
  ALLOWED_ORIGINS  the origins of your own pages, such as https://www.example.com

All of them: docs/src/configuration.md";

/// A ChatKit server on this machine: all functions, an embedded DynamoDB, a model, a playground page.
#[derive(Debug, Clone, Parser)]
#[command(version, after_help = VARIABLES)]
pub struct Arguments {
    /// The port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 3000)]
    pub port: u16,

    /// The address to listen on. Beyond loopback nobody is a user without a token, unless `AUTH_MODE` names
    /// `development`.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,

    /// Where conversations, files and the signing key are stored.
    #[arg(long, value_name = "DIR", default_value = ".local", global = true)]
    pub data: PathBuf,

    /// Store nothing: everything is in memory until the server stops.
    #[arg(long, conflicts_with = "data")]
    pub memory: bool,

    /// Start only DynamoDB, S3 and the model, and write the variables that lead to them: for `cargo lambda watch`.
    #[arg(long)]
    pub backends_only: bool,

    /// Check an assistant document, print what it contains or what is wrong with it, and exit.
    #[arg(long, value_name = "FILE")]
    pub check_assistant: Option<String>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What is done in place of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Change the assistant and the limits of a tenant, without a restart.
    #[command(subcommand)]
    Assistant(Action),
}

impl Arguments {
    /// Where data is stored; `None` for `--memory`.
    pub fn data(&self) -> Option<&PathBuf> {
        (!self.memory).then_some(&self.data)
    }
}
