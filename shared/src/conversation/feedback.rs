use super::{Document, Engine, Error};
use crate::identity::Owner;
use crate::protocol::Feedback;

/// Items that one feedback may name.
const MOST_ITEMS: usize = 100;

impl Engine {
    /// `items.feedback`: kept on each item.
    pub(super) async fn feedback(&self, owner: &Owner, params: &Feedback) -> Result<Document, Error> {
        if params.item_ids.len() > MOST_ITEMS {
            return Err(Error::Invalid(format!("`item_ids` names more than {MOST_ITEMS} items")));
        }
        self.admit_request(owner).await?;
        let now = self.clock.now();
        let all_exist = self.store.items.feedback(owner, &params.thread_id, &params.item_ids, params.kind, now).await?;
        if all_exist { Ok(Document::Nothing {}) } else { Err(Error::NotFound("item")) }
    }
}
