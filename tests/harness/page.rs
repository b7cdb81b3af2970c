//! A page: what ChatKit's client makes of the events of a stream, and of a thread that it loads. Whatever would be
//! shown twice, or not at all, is an error.

use serde_json::{Value, json};

/// An event as it stands in a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Streamed {
    /// The position behind it.
    pub(crate) id: Option<String>,
    pub(crate) event: Value,
}

/// Whole events, taken out of the bytes of a stream as they come.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    text: Vec<u8>,
}

impl Reader {
    /// Adds bytes and returns the events that are whole now.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Streamed> {
        self.text.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<_> = self.text.drain(..end + 2).collect();
            events.extend(event(std::str::from_utf8(&block).unwrap()));
        }
        events
    }
}

fn event(block: &str) -> Option<Streamed> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(ToOwned::to_owned);
    let event = serde_json::from_str(&field("data: ")?).unwrap();
    Some(Streamed { id: field("id: "), event })
}

/// The ids of a thread's items in their order, read page by page; none if a page cannot be read. `list` is one
/// `items.list`.
pub(crate) async fn paged(
    thread_id: &str,
    (order, limit): (&str, u32),
    list: impl AsyncFn(Value) -> Option<Value>,
) -> Option<Vec<String>> {
    let (mut listed, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut params = json!({ "thread_id": thread_id, "limit": limit, "order": order });
        if !after.is_null() {
            params["after"] = after;
        }
        let page = list(params).await?;
        listed.extend(ids(page["data"].as_array().unwrap()));
        if page["has_more"] != true {
            break;
        }
        after = page["after"].clone();
    }
    if order == "desc" {
        listed.reverse();
    }
    Some(listed)
}

/// The ids of items.
pub(crate) fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// What a page shows of one thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) thread_id: Option<String>,
    pub(crate) items: Vec<Value>,
    /// Items that have begun and are not complete.
    open: Vec<String>,
    /// What was complete at some time, and is not removed.
    announced: Vec<String>,
    /// The last `error`.
    pub(crate) error: Option<Value>,
}

impl Page {
    /// A page that shows a thread as it was loaded.
    pub(crate) fn loaded(thread: &Value) -> Self {
        let items = thread["items"]["data"].as_array().unwrap().clone();
        Self { thread_id: thread["id"].as_str().map(ToOwned::to_owned), items, ..Self::default() }
    }

    /// A page that knows its thread, and has not loaded it.
    pub(crate) fn of(thread_id: &str) -> Self {
        Self { thread_id: Some(thread_id.to_owned()), ..Self::default() }
    }

    /// Shows an event.
    ///
    /// # Errors
    /// When no page could show it rightly.
    pub(crate) fn show(&mut self, event: &Value) -> Result<(), String> {
        let refused = |what: &str| Err(format!("{what}: {event}"));
        match event["type"].as_str().unwrap_or_default() {
            "thread.created" if self.thread_id.is_some() => return refused("a second thread"),
            "thread.created" => self.thread_id = event["thread"]["id"].as_str().map(ToOwned::to_owned),
            "thread.item.added" => {
                let item = &event["item"];
                if self.place(id(item)).is_some() {
                    return refused("added twice");
                }
                self.open.push(id(item).to_owned());
                self.items.push(item.clone());
            }
            "thread.item.updated" => {
                let item_id = event["item_id"].as_str().unwrap_or_default();
                if !self.open.iter().any(|open| open == item_id) {
                    return refused("an update of what is not open");
                }
                let Some(place) = self.place(item_id) else { return refused("an update of nothing") };
                update(&mut self.items[place], &event["update"]).map_err(|what| format!("{what}: {event}"))?;
            }
            "thread.item.done" => {
                let item = &event["item"];
                let was_open = self.open.iter().position(|open| open == id(item));
                match (self.place(id(item)), was_open) {
                    (Some(place), Some(open)) => {
                        if let Some(what) = differs(&self.items[place], item) {
                            return Err(format!("{what}: {} became {event}", self.items[place]));
                        }
                        self.items[place] = item.clone();
                        self.open.remove(open);
                    }
                    (None, _) => self.items.push(item.clone()),
                    (Some(_), None) => return refused("done twice"),
                }
                self.announced.push(id(item).to_owned());
            }
            // A page that another tab has overtaken may not know it.
            "thread.item.replaced" => {
                if let Some(place) = self.place(id(&event["item"])) {
                    self.items[place] = event["item"].clone();
                }
            }
            "thread.item.removed" => {
                let item_id = event["item_id"].as_str().unwrap_or_default();
                // A page that was away may not know what is gone again.
                self.items.retain(|item| id(item) != item_id);
                self.open.retain(|open| open != item_id);
                self.announced.retain(|announced| announced != item_id);
            }
            "error" => self.error = Some(event.clone()),
            _ => {}
        }
        Ok(())
    }

    /// What the page was told to be complete.
    pub(crate) fn announced(&self) -> impl Iterator<Item = &Value> {
        self.items.iter().filter(|item| self.announced.iter().any(|announced| announced == id(item)))
    }

    /// The items as they can be compared: no event says that a call of the page is answered, because the page knows.
    /// What is open when an answer ends in an error is not kept.
    pub(crate) fn comparable(&self) -> Vec<Value> {
        let is_kept = |item: &&Value| self.error.is_none() || !self.open.iter().any(|open| open == id(item));
        let mut items: Vec<_> = self.items.iter().filter(is_kept).cloned().collect();
        for item in items.iter_mut().filter(|item| item["type"] == "client_tool_call") {
            item.as_object_mut().unwrap().retain(|name, _| !["status", "output"].contains(&name.as_str()));
        }
        items
    }

    /// What is different between this page and one that is loaded anew.
    pub(crate) fn difference(&self, loaded: &Self) -> Option<String> {
        let (shown, loaded) = (self.comparable(), loaded.comparable());
        let same = shown.iter().zip(&loaded).take_while(|(shown, loaded)| shown == loaded).count();
        let (shown, loaded) = (json!(shown[same..]), json!(loaded[same..]));
        (shown != loaded).then(|| format!("behind {same} items a page shows {shown}\n  and loads {loaded}"))
    }

    /// What the page does itself when a message is to be answered again: it drops what comes after.
    pub(crate) fn retry_after(&mut self, item_id: &str) {
        if let Some(place) = self.place(item_id) {
            self.items.truncate(place + 1);
            self.open.clear();
        }
    }

    fn place(&self, item_id: &str) -> Option<usize> {
        self.items.iter().position(|item| id(item) == item_id)
    }
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

/// What is different between an item as its updates have made it and as it is at its end, and must not be. A page that
/// was away may have seen a part of it only; one whose run has died, more of it than is kept.
fn differs(shown: &Value, done: &Value) -> Option<&'static str> {
    let texts = |item: &Value| -> Vec<String> {
        let parts = item["content"].as_array().into_iter().flatten();
        parts.map(|part| part["text"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let (shown, done_texts) = (texts(shown), texts(done));
    let fits = |(shown, done): (&String, &String)| done.starts_with(shown) || shown.starts_with(done);
    let is_part = shown.iter().zip(&done_texts).all(fits);
    (done["type"] == "assistant_message" && !is_part).then_some("other text than its deltas had")
}

fn update(item: &mut Value, update: &Value) -> Result<(), &'static str> {
    let index = |name: &str| usize::try_from(update[name].as_u64().unwrap_or_default()).unwrap_or_default();
    let part = index("content_index");
    match update["type"].as_str().unwrap_or_default() {
        "assistant_message.content_part.added" => match item["content"].get_mut(part) {
            // Whoever comes back may be told again where a part begins.
            Some(known) if known["text"] == "" => {
                *known = update["content"].clone();
                Ok(())
            }
            _ => append(&mut item["content"], part, &update["content"]),
        },
        "assistant_message.content_part.text_delta" => {
            let text = item["content"].get_mut(part).and_then(|part| part.get_mut("text")).ok_or("no such part")?;
            *text = json!(format!("{}{}", text.as_str().unwrap_or_default(), update["delta"].as_str().unwrap()));
            Ok(())
        }
        "assistant_message.content_part.annotation_added" => {
            let part = item["content"].get_mut(part).ok_or("no such part")?;
            if part.get("annotations").is_none() {
                part["annotations"] = json!([]);
            }
            append(&mut part["annotations"], index("annotation_index"), &update["annotation"])
        }
        "assistant_message.content_part.done" => {
            let part = item["content"].get_mut(part).ok_or("no such part")?;
            let text = update["content"]["text"].as_str().unwrap_or_default();
            if !text.starts_with(part["text"].as_str().unwrap_or_default()) {
                return Err("a part with other text than its deltas had");
            }
            *part = update["content"].clone();
            Ok(())
        }
        "widget.root.updated" => {
            item["widget"] = update["widget"].clone();
            Ok(())
        }
        "widget.streaming_text.value_delta" => {
            let component_id = update["component_id"].as_str().unwrap_or_default();
            let component = component(&mut item["widget"], component_id).ok_or("no such component")?;
            let value = component["value"].as_str().unwrap_or_default().to_owned();
            component["value"] = json!(value + update["delta"].as_str().unwrap_or_default());
            Ok(())
        }
        "workflow.task.added" => append(&mut item["workflow"]["tasks"], index("task_index"), &update["task"]),
        "workflow.task.updated" => {
            let task = item["workflow"]["tasks"].get_mut(index("task_index")).ok_or("no such task")?;
            *task = update["task"].clone();
            Ok(())
        }
        "generated_image.updated" => {
            item["image"] = update["image"].clone();
            Ok(())
        }
        _ => Err("an unknown update"),
    }
}

fn append(list: &mut Value, index: usize, element: &Value) -> Result<(), &'static str> {
    let list = list.as_array_mut().ok_or("no list")?;
    if list.len() != index {
        return Err("at another place than the next");
    }
    list.push(element.clone());
    Ok(())
}

fn component<'a>(tree: &'a mut Value, id: &str) -> Option<&'a mut Value> {
    if tree["id"] == id {
        return Some(tree);
    }
    match tree {
        Value::Array(elements) => elements.iter_mut().find_map(|element| component(element, id)),
        Value::Object(fields) => fields.values_mut().find_map(|field| component(field, id)),
        _ => None,
    }
}
