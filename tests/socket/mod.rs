//! The protocol over a WebSocket.

mod connections;
mod delivery;
mod limits;
mod messages;
mod turns;
