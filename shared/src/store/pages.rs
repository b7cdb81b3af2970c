//! Lists: full pages over DynamoDB's own, which end after 1 MB and know nothing of what is left out.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use super::attributes::{self, Record};
use super::error::StoreError;
use super::key::{self, Key};
use crate::protocol::{Order, Page, Paging};

const DEFAULT_LIMIT: usize = 20;
/// The client asks for 9999 threads at once.
const LARGEST_LIMIT: usize = 10_000;
/// Bytes of records in one page. An answer of Lambda may have 6 MB.
const LARGEST_PAGE: usize = 4_000_000;

/// What is listed: the records of a partition under a prefix.
pub(super) struct Listing<'a> {
    pub(super) table: &'a str,
    pub(super) partition: String,
    /// What the sort keys begin with.
    pub(super) prefix: &'static str,
    pub(super) order: Order,
    /// How many elements; see [`limit`].
    pub(super) limit: usize,
    /// The sort key after which the list goes on. A record need not stand there.
    pub(super) after: Option<String>,
}

/// How many elements a page is to have: none, 0 and what makes no sense mean the default.
pub(super) fn limit(paging: &Paging) -> usize {
    let wanted = paging.limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    wanted.unwrap_or(DEFAULT_LIMIT).min(LARGEST_LIMIT)
}

/// One page, as full as the limits allow, and whether another follows, exactly. What `read` makes nothing of is left
/// out.
pub(super) async fn page<T>(
    client: &Client,
    listing: Listing<'_>,
    mut read: impl FnMut(&Record) -> Result<Option<T>, StoreError>,
    id: impl Fn(&T) -> &str,
) -> Result<Page<T>, StoreError> {
    let mut data: Vec<T> = Vec::new();
    let mut bytes = 0;
    let mut start =
        listing.after.map(|after| Key { partition: listing.partition.clone(), sort: key::cut(after) }.attributes());
    loop {
        // One more than is wanted tells whether there is more.
        let wanted = listing.limit - data.len() + 1;
        let request = client
            .query()
            .table_name(listing.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#sk", key::SORT)
            .expression_attribute_values(":pk", AttributeValue::S(listing.partition.clone()))
            .expression_attribute_values(":prefix", AttributeValue::S(listing.prefix.to_owned()))
            .scan_index_forward(listing.order == Order::Asc)
            .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let answer = Box::pin(request.send()).await?;
        for record in answer.items() {
            let Some(element) = read(record)? else { continue };
            if data.len() == listing.limit || bytes >= LARGEST_PAGE {
                let after = data.last().map(|last| id(last).to_owned());
                return Ok(Page { data, has_more: true, after });
            }
            bytes += attributes::size(record);
            data.push(element);
        }
        start = answer.last_evaluated_key;
        if start.is_none() {
            return Ok(Page { data, has_more: false, after: None });
        }
    }
}
