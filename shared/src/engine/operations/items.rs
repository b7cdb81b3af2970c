use super::threads::check_limit;
use crate::engine::{Document, Engine, Error};
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::protocol::{Feedback, ListItems, Order, Page, Paging};
use crate::store::{StoredItem, ThreadRecord};
use crate::telemetry::chain;

/// That one feedback may name.
const MAX_FEEDBACK_ITEMS: usize = 100;

impl Engine {
    /// `items.list`.
    pub(crate) async fn list_items(&self, identity: &Identity, params: &ListItems) -> Result<Document, Error> {
        let owner = &identity.owner;
        check_limit(&params.paging)?;
        self.admit_request(identity).await?;
        let (_, items) = self.page_of_items(owner, &params.thread_id, &params.paging).await?;
        Ok(Document::Items(items.map(|stored| self.with_file_urls(owner, stored.item))))
    }

    /// A page of a thread's items. The end of the thread has the items that its run is making, as far as they have
    /// come.
    pub(super) async fn page_of_items(
        &self,
        owner: &Owner,
        thread_id: &str,
        paging: &Paging,
    ) -> Result<(ThreadRecord, Page<StoredItem>), Error> {
        let read = || self.store.items.list_with_head(owner, thread_id, paging);
        let (mut thread, mut page) = read().await?.ok_or(Error::NotFound("thread"))?;
        let has_the_end = |page: &Page<StoredItem>| match paging.order {
            Order::Desc => paging.after.is_none(),
            Order::Asc => !page.has_more,
        };
        // At most one run can turn out to be over; what has begun meanwhile is shown next time.
        for _ in 0..2 {
            if !has_the_end(&page) || self.add_open_items(owner, &thread, &mut page.data).await? {
                break;
            }
            (thread, page) = read().await?.ok_or(Error::NotFound("thread"))?;
        }
        page.data.sort_by(|one, other| ids::sort_key(one.item.id()).cmp(&ids::sort_key(other.item.id())));
        if paging.order == Order::Desc {
            page.data.reverse();
        }
        Ok((thread, page))
    }

    /// `items.feedback`: kept on each item, and counted in the day.
    pub(crate) async fn feedback(&self, identity: &Identity, params: &Feedback) -> Result<Document, Error> {
        let owner = &identity.owner;
        if params.item_ids.len() > MAX_FEEDBACK_ITEMS {
            return Err(Error::Invalid(format!("`item_ids` names more than {MAX_FEEDBACK_ITEMS} items")));
        }
        self.admit_request(identity).await?;
        let now = self.clock.now();
        let rated = self.store.items.feedback(owner, &params.thread_id, &params.item_ids, params.kind, now).await?;
        if rated.new > 0 {
            // A failure here costs the operator's statistics, not the person's thumb.
            let counted = self.store.usage.count_feedback(owner.tenant(), params.kind, rated.new, now).await;
            if let Err(error) = counted {
                tracing::error!(error = chain(&error), "could not count feedback");
            }
        }
        if rated.all_exist { Ok(Document::Nothing {}) } else { Err(Error::NotFound("item")) }
    }
}
