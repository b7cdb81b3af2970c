//! What every route has in common: origins, errors, ids, the log, and how the functions start.

mod cors;
mod errors;
mod log;
mod log_secrets;
mod routes;
mod start;

/// Every route: its method and path, and the function that has it.
pub(crate) const ROUTES: [(&str, &str, &str); 16] = [
    ("POST", "/api/chatkit/start", "start"),
    ("POST", "/api/chatkit/session", "start"),
    ("POST", "/api/chatkit/refresh", "refresh"),
    ("POST", "/api/chatkit/logout", "refresh"),
    ("POST", "/chatkit", "chat"),
    ("POST", "/chatkit/attachments", "chat"),
    ("GET", "/chatkit/threads/{thread}/run", "chat"),
    ("DELETE", "/chatkit/threads/{thread}/run", "chat"),
    ("POST", "/api/chat", "chat"),
    ("GET", "/api/analytics", "analytics"),
    ("GET", "/api/usage/me", "analytics"),
    ("GET", "/health", "analytics"),
    ("POST", "/api/auth/chat-token", "auth"),
    ("GET", "/auth/login", "auth"),
    ("GET", "/auth/callback", "auth"),
    ("POST", "/auth/logout", "auth"),
];
