use super::threads::check_limit;
use crate::engine::{Document, Engine, Error};
use crate::identity::Owner;
use crate::protocol::{Feedback, ListItems};
use crate::telemetry::chain;

/// That one feedback may name.
const MAX_FEEDBACK_ITEMS: usize = 100;

impl Engine {
    /// `items.list`.
    pub(crate) async fn list_items(&self, owner: &Owner, params: &ListItems) -> Result<Document, Error> {
        check_limit(&params.paging)?;
        self.admit_request(owner).await?;
        let items = self.store.items.list(owner, &params.thread_id, &params.paging).await?;
        let items = items.ok_or(Error::NotFound("thread"))?;
        Ok(Document::Items(items.map(|stored| self.with_file_urls(owner, stored.item))))
    }

    /// `items.feedback`: kept on each item, and counted in the day.
    pub(crate) async fn feedback(&self, owner: &Owner, params: &Feedback) -> Result<Document, Error> {
        if params.item_ids.len() > MAX_FEEDBACK_ITEMS {
            return Err(Error::Invalid(format!("`item_ids` names more than {MAX_FEEDBACK_ITEMS} items")));
        }
        self.admit_request(owner).await?;
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
