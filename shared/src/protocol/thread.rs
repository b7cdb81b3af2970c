use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Object, Page, ThreadItem};

/// A conversation as the client sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Set by the user or generated beside the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `thr_…`.
    pub id: String,
    /// When the thread was created; lists are ordered by it.
    pub created_at: Timestamp,
    /// Whether the user may write in it.
    #[serde(default)]
    pub status: ThreadStatus,
    /// The domains from which the client may show images; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_image_domains: Option<Vec<String>>,
    /// Always `{}`: what the server keeps here is never sent.
    #[serde(default)]
    pub metadata: Object,
    /// Items, filled by `threads.get_by_id` only.
    pub items: Page<ThreadItem>,
}

/// Whether a thread accepts messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ThreadStatus {
    /// It does.
    #[default]
    Active,
    /// The composer is disabled and shows the reason.
    Locked {
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The composer is replaced by a banner.
    Closed {
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
