use crate::protocol::{Annotation, Source};

/// A web page as the source of the text before `end`, in characters; `None` without an address.
pub(super) fn page(url: Option<String>, title: Option<String>, end: Option<i64>) -> Option<Annotation> {
    Some(Annotation { source: page_source(url, title)?, index: index(end) })
}

/// A file as the source of the text before `end`, in characters; `None` without a name.
pub(super) fn file(filename: Option<String>, end: Option<i64>) -> Option<Annotation> {
    Some(Annotation { source: file_source(filename)?, index: index(end) })
}

/// A web page; `None` without an address.
pub(super) fn page_source(url: Option<String>, title: Option<String>) -> Option<Source> {
    let url = url.filter(|url| !url.is_empty())?;
    let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| url.clone());
    Some(Source::Url { title, description: None, timestamp: None, group: None, url, attribution: None })
}

/// A file; `None` without a name.
pub(super) fn file_source(filename: Option<String>) -> Option<Source> {
    let filename = filename.filter(|name| !name.is_empty())?;
    let title = filename.clone();
    Some(Source::File { title, description: None, timestamp: None, group: None, filename })
}

fn index(position: Option<i64>) -> Option<u64> {
    position.and_then(|position| u64::try_from(position).ok())
}
