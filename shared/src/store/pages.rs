//! Lists: full pages over DynamoDB's own, which end after 1 MB and count what is left out.

use super::error::StoreError;
use super::key::{self, Key};
use super::record::Record;
use super::table::{Query, Table};
use crate::protocol::{Order, Page, Paging};

const DEFAULT_LIMIT: usize = 20;
/// The client asks for 9999 threads at once.
const MAX_LIMIT: usize = 10_000;
/// Of records in one page. An answer of Lambda may have 6 MB.
const MAX_PAGE_BYTES: usize = 4_000_000;

/// What is listed: the records of a partition under a prefix.
pub(super) struct Listing {
    query: Query,
    /// How many elements a page has at most.
    limit: usize,
}

impl Listing {
    /// `after` is the sort key after which the page begins. A record need not have it.
    pub(super) fn new(partition: String, prefix: &'static str, after: Option<String>, paging: &Paging) -> Self {
        let wanted = paging.limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let after = after.map(|sort| Key { partition: partition.clone(), sort: key::cut(sort) });
        let newest_first = paging.order == Order::Desc;
        let query = Query { after, newest_first, ..Query::prefix(partition, prefix) };
        Self { query, limit: wanted.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT) }
    }
}

/// One page, as full as the limits allow, and whether another follows, exactly. Where `read` gives none, the record is
/// left out.
pub(super) async fn page<T>(
    table: &Table,
    listing: Listing,
    mut read: impl FnMut(&Record) -> Result<Option<T>, StoreError>,
    id: impl Fn(&T) -> &str,
) -> Result<Page<T>, StoreError> {
    let Listing { mut query, limit } = listing;
    let mut data: Vec<T> = Vec::new();
    let mut bytes = 0;
    loop {
        // One more than is wanted tells whether there is more.
        query.limit = Some(limit - data.len() + 1);
        let found = table.query(query.clone()).await?;
        for record in &found.records {
            let Some(element) = read(record)? else { continue };
            if data.len() == limit || bytes >= MAX_PAGE_BYTES {
                let after = data.last().map(|last| id(last).to_owned());
                return Ok(Page { data, has_more: true, after });
            }
            bytes += record.bytes();
            data.push(element);
        }
        if found.next.is_none() {
            return Ok(Page { data, has_more: false, after: None });
        }
        query.after = found.next;
    }
}
