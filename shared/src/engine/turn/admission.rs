use std::mem::take;

use tokio::runtime::Handle;

use super::plan::writable;
use crate::assistant::Assistant;
use crate::engine::limits::accounts;
use crate::engine::prompt_size::max_prompt_tokens;
use crate::engine::{Engine, Error, Limits, task};
use crate::identity::{Identity, Owner};
use crate::limits::address_key;
use crate::model::{Prompt, estimate_tokens};
use crate::store::{Account, Admission, Budgets, Limit, Loaded, Refusal, Reservation, StoreError, TurnMark};
use crate::telemetry::chain;

/// A turn that was let in: what the budgets hold for it. It is settled when the turn ends; where the turn does not
/// start, or its task dies, dropping this settles it at what is known to be used.
#[must_use]
pub(crate) struct Admitted {
    budgets: Budgets,
    /// None once it is settled.
    reservation: Option<Reservation>,
    /// Of the first round's prompt, once it is held.
    prompt_tokens: u64,
    model_was_called: bool,
    /// The thread that the same message is beginning already.
    twin_thread_id: Option<String>,
}

impl Admitted {
    /// Passes on what was prepared for the turn; where preparing failed, what the budgets hold is given back before the
    /// error is told.
    pub(crate) async fn or_release<T>(self, prepared: Result<T, Error>) -> Result<(Self, T), Error> {
        match prepared {
            Ok(prepared) => Ok((self, prepared)),
            Err(error) => {
                self.release().await;
                Err(error)
            }
        }
    }

    /// The model was called with the prompt that is held: it bills for the prompt whatever becomes of the turn.
    pub(super) const fn model_was_called(&mut self) {
        self.model_was_called = true;
    }

    /// What the turn has used though it does not take place.
    pub(super) const fn used_at_least(&self) -> u64 {
        if self.model_was_called { self.prompt_tokens } else { 0 }
    }

    /// Settles a turn that does not take place.
    pub(crate) async fn release(mut self) {
        if let Some(reservation) = self.reservation.take() {
            settle_or_log(&self.budgets, &reservation, self.used_at_least()).await;
        }
    }

    /// The turn has ended and used so many tokens.
    pub(super) async fn settle_or_log(mut self, used: u64) {
        let Some(reservation) = self.reservation.take() else { return };
        if let Err(error) = self.budgets.settle(&reservation, used).await {
            tracing::error!(error = chain(&error), "could not settle the reservation of a turn");
        }
    }

    /// The turn does not take place, because it joins another one: it does not count either.
    pub(crate) async fn cancel(mut self) {
        let Some(reservation) = self.reservation.take() else { return };
        if let Err(error) = self.budgets.cancel(&reservation).await {
            tracing::warn!(error = chain(&error), "could not give back a turn that has joined another one");
        }
    }

    /// Another process has settled the turn.
    pub(super) fn forget(mut self) {
        self.reservation = None;
    }

    /// The thread that the same message is beginning already, in another turn of the user's.
    pub(crate) fn twin_thread_id(&self) -> Option<&str> {
        self.twin_thread_id.as_deref()
    }

    /// The turn's id in the budgets.
    pub(crate) fn turn_id(&self) -> Option<&str> {
        self.reservation.as_ref().map(|reservation| reservation.id.as_str()).filter(|id| !id.is_empty())
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let (Some(reservation), Ok(_)) = (self.reservation.take(), Handle::try_current()) {
            let (budgets, used) = (self.budgets.clone(), self.used_at_least());
            drop(task::spawn_detached(async move { settle_or_log(&budgets, &reservation, used).await }));
        }
    }
}

async fn settle_or_log(budgets: &Budgets, reservation: &Reservation, used: u64) {
    if let Err(error) = budgets.settle(reservation, used).await {
        let message =
            "could not settle a turn that did not start; its tokens stay reserved until the budget's window ends";
        tracing::warn!(error = chain(&error), "{message}");
    }
}

impl Engine {
    /// Admits a turn and loads its thread, in one round trip.
    pub(crate) async fn admit_and_load(
        &self,
        identity: &Identity,
        thread_id: &str,
        load: impl Future<Output = Result<Option<Loaded>, StoreError>>,
    ) -> Result<(Admitted, Loaded), Error> {
        let (admitted, loaded) = tokio::join!(self.admit_turn(identity, Some(thread_id), None, 0), load);
        let (admitted, loaded) = admitted?.or_release(writable(loaded)).await?;
        let loaded = Box::pin(self.free_of_dead_run(&identity.owner, loaded)).await;
        admitted.or_release(loaded.map_err(Error::from)).await
    }

    /// Counts a turn and reserves the most that its first round can use, and `beside` for its title. `digest` is that
    /// of the message that begins the thread.
    pub(crate) async fn admit_turn(
        &self,
        identity: &Identity,
        thread_id: Option<&str>,
        digest: Option<&str>,
        beside: u64,
    ) -> Result<Admitted, Error> {
        let Assistant { max_output_tokens, max_context_tokens, instructions, .. } = &*self.assistant;
        let instructions = instructions.as_deref().map_or(0, estimate_tokens);
        let tokens = u64::from(*max_output_tokens) + u64::from(*max_context_tokens) + instructions + beside;
        self.admit(identity, thread_id, digest, tokens).await
    }

    /// Counts a turn and reserves tokens for it in every budget that it draws on, in one round trip.
    pub(crate) async fn admit(
        &self,
        identity: &Identity,
        thread_id: Option<&str>,
        digest: Option<&str>,
        tokens: u64,
    ) -> Result<Admitted, Error> {
        // A turn that cannot be answered is refused before anything of it is written.
        self.model.check_key().await?;
        let Limits { turns, tokens_per_hour, address_tokens_per_hour, tenant_tokens_per_day, .. } = self.limits;
        let address = address_key(identity.address);
        let budgets = [tokens_per_hour, address_tokens_per_hour, tenant_tokens_per_day];
        let mut accounts = accounts(Account::of_turns, identity, &address, budgets);
        accounts[0].turns = turns;
        let admit = async || {
            let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
            let turn = TurnMark { id: self.ids.mint_bare(), thread_id: owned(thread_id), digest: owned(digest) };
            self.store.budgets.admit(&accounts, tokens, Some(turn), self.clock.now()).await
        };
        let mut admission = admit().await?;
        if let Admission::Refused(Refusal { limit: Limit::Tokens(_), .. }) = admission
            && Box::pin(self.recover_open_turns(&identity.owner)).await
        {
            admission = admit().await?;
        }
        match admission {
            Admission::Admitted(mut reservation) => {
                let open_turns = take(&mut reservation.open_turns);
                let twin = open_turns.iter().find(|open| digest.is_some() && open.digest.as_deref() == digest);
                let twin_thread_id = twin.and_then(|twin| twin.thread_id.clone());
                self.recover_beside(&identity.owner, open_turns);
                Ok(Admitted {
                    twin_thread_id,
                    budgets: self.store.budgets.clone(),
                    reservation: Some(reservation),
                    prompt_tokens: 0,
                    model_was_called: false,
                })
            }
            Admission::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Reserves what a prompt can use beyond what was reserved without knowing it: a message is shown to the model
    /// however long it is. Files that the model's server can read by now are counted by it.
    pub(crate) async fn hold_first_round(
        &self,
        admitted: &mut Admitted,
        owner: &Owner,
        prompt: &mut Prompt,
        beside: u64,
    ) -> Result<(), Error> {
        if admitted.reservation.is_some() && self.model.may_count() && prompt.has_uncounted_files() {
            self.count(owner, prompt).await;
        }
        self.hold_prompt(admitted, prompt, beside).await
    }

    /// As [`Engine::hold_first_round`], with a guess at files that nobody can count yet. Where the whole budget is less
    /// than the turn can use, the answer is to be shorter.
    pub(crate) async fn hold_prompt(
        &self,
        admitted: &mut Admitted,
        prompt: &mut Prompt,
        beside: u64,
    ) -> Result<(), Error> {
        /// A budget that leaves less for an answer is too small for its question.
        const MIN_OUTPUT_TOKENS: u32 = 256;
        let Some(reservation) = &mut admitted.reservation else { return Ok(()) };
        admitted.prompt_tokens = max_prompt_tokens(prompt);
        let without_answer = admitted.prompt_tokens + beside;
        let room = reservation.least_budget().map_or(u64::MAX, |budget| budget.saturating_sub(without_answer));
        let wanted = self.assistant.max_output_tokens;
        let output = wanted.min(u32::try_from(room).unwrap_or(u32::MAX));
        if output < MIN_OUTPUT_TOKENS.min(wanted) {
            return Err(Error::LargerThanBudget);
        }
        prompt.max_output_tokens = Some(output);
        let total = without_answer + u64::from(output);
        match self.store.budgets.hold(reservation, total, self.clock.now()).await? {
            None => Ok(()),
            Some(refusal) => Err(refusal.into()),
        }
    }

    /// Has the model's server count a prompt with files.
    async fn count(&self, owner: &Owner, prompt: &mut Prompt) {
        let mut shown = prompt.clone();
        let counted = match self.resolve_files(owner, &mut shown).await {
            Ok(()) => self.model.count(&shown).await,
            Err(error) => Err(error),
        };
        match counted {
            Ok(Some(tokens)) => prompt.set_counted(tokens),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not count a prompt with files; they count as a guess")
            }
        }
    }

    /// Reserves what a further round can use: `total` is for the whole turn. A refusal leaves what is reserved.
    pub(super) async fn hold_further_round(
        &self,
        admitted: &mut Admitted,
        total: u64,
    ) -> Result<Option<Refusal>, StoreError> {
        match &mut admitted.reservation {
            Some(reservation) => self.store.budgets.hold(reservation, total, self.clock.now()).await,
            None => Ok(None),
        }
    }
}
