//! The protocol over a WebSocket.

mod connections;
mod delivery;
mod limits;
mod local;
mod messages;
mod orders;
mod silence;
mod turns;
