use serde::{Deserialize, Serialize};

use super::lenient;

/// One page of a list. `after` is the cursor of the next page, there only when there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The elements of this page.
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    /// Whether another page follows.
    #[serde(default)]
    pub has_more: bool,
    /// The id of the last element, to be sent as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl<T> Page<T> {
    /// A page of nothing.
    pub const fn empty() -> Self {
        Self { data: Vec::new(), has_more: false, after: None }
    }

    /// The same page with each element converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(convert).collect(), has_more: self.has_more, after: self.after }
    }
}

/// The direction of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Paging {
    /// How many elements; none and 0 mean the default of 20.
    #[serde(default, deserialize_with = "lenient::optional_integer")]
    pub limit: Option<i64>,
    /// The direction.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub order: Order,
    /// The id of the element before the first one wanted.
    #[serde(default)]
    pub after: Option<String>,
}
