/// Output items of one kind on their way, by their places in the upstream's output. They are numbered as they begin.
pub(super) struct Items<T>(Vec<Item<T>>);

struct Item<T> {
    place: u64,
    /// The upstream's id. Some servers give an item another one in each event, so only equality says something.
    id: Option<String>,
    is_done: bool,
    content: T,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Items<T> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An item begins.
    pub(super) fn begin(&mut self, place: u64, id: Option<String>, content: T) -> (u64, &mut T) {
        let number = self.0.len();
        self.0.push(Item { place, id, is_done: false, content });
        (number as u64, &mut self.0[number].content)
    }

    /// The item at the place, if it has begun and is not over: the latest, as some servers give all the same place.
    pub(super) fn open(&mut self, place: u64) -> Option<(u64, &mut T)> {
        let number = self.0.iter().rposition(|item| item.place == place && !item.is_done)?;
        Some((number as u64, &mut self.0[number].content))
    }

    /// The item at the place, which begins now if there never was one; `None` if it is over.
    pub(super) fn open_or_begin(&mut self, place: u64, begin: impl FnOnce() -> T) -> Option<(u64, &mut T, bool)> {
        let is_new = !self.0.iter().any(|item| item.place == place);
        if is_new {
            self.begin(place, None, begin());
        }
        self.open(place).map(|(number, content)| (number, content, is_new))
    }

    /// Whether an item is over that had this id at this place.
    pub(super) fn is_over(&self, place: u64, id: Option<&str>) -> bool {
        self.0.iter().any(|item| item.is_done && item.place == place && id.is_some() && item.id.as_deref() == id)
    }

    /// The item is over, and this is its id if the upstream says it. `None` if it was before.
    pub(super) fn finish(&mut self, number: u64, id: Option<String>) -> Option<&mut T> {
        let item = usize::try_from(number).ok().and_then(|number| self.0.get_mut(number))?;
        item.id = id.or(item.id.take());
        (!std::mem::replace(&mut item.is_done, true)).then_some(&mut item.content)
    }

    /// What is not over.
    pub(super) fn unfinished(&self) -> Vec<u64> {
        (0..).zip(&self.0).filter(|(_, item)| !item.is_done).map(|(number, _)| number).collect()
    }

    /// Which items the upstream means in its summary of the output: those with the same id, and the others in their
    /// order, as places and ids in a summary do not always agree with those in events. `None` for new ones.
    pub(super) fn listed(&self, ids: &[Option<String>]) -> Vec<Option<u64>> {
        let mut left: Vec<_> = (0..).zip(&self.0).map(|(number, item)| (number, item.id.as_deref())).collect();
        let mut take = |is_meant: &dyn Fn(Option<&str>) -> bool| {
            let position = left.iter().position(|(_, id)| is_meant(*id))?;
            Some(left.remove(position).0)
        };
        let mut listed: Vec<_> =
            ids.iter().map(|id| id.as_deref().and_then(|wanted| take(&|id| id == Some(wanted)))).collect();
        for number in listed.iter_mut().filter(|number| number.is_none()) {
            *number = take(&|_| true);
        }
        listed
    }
}
