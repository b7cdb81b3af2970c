//! The command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Parser;

/// A ChatKit server on this machine: the functions, an embedded DynamoDB, a model, a playground.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Arguments {
    /// The port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 3000)]
    pub port: u16,

    /// The address to listen on. Anybody who reaches it can be any user while `AUTH_MODE` has `development` in it.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,

    /// Where conversations and the signing key are kept.
    #[arg(long, value_name = "DIR", default_value = ".local")]
    pub data: PathBuf,

    /// Keeps nothing.
    #[arg(long, conflicts_with = "data")]
    pub memory: bool,

    /// Serves only DynamoDB and the model, and prints the variables that lead to them: for `cargo lambda watch`.
    #[arg(long)]
    pub backends_only: bool,

    /// Checks an assistant document, says what is in it or what is wrong with it, and serves nothing.
    #[arg(long, value_name = "FILE")]
    pub check_assistant: Option<String>,
}

impl Arguments {
    /// Where things are kept, if anything is.
    pub fn data(&self) -> Option<&PathBuf> {
        (!self.memory).then_some(&self.data)
    }
}
