use super::act::{Act, Words};
use super::request::{File, Request};
use super::texts;

const MAX_QUOTE_CHARS: usize = 300;

/// What the demo model says.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Summaries of thoughts, which come first.
    pub(super) thoughts: Vec<&'static str>,
    /// The tool that is used before the text. There is no text beside the call of a function.
    pub(super) act: Option<Act>,
    pub(super) text: String,
    pub(super) citations: Vec<Citation>,
    pub(super) is_refusal: bool,
    /// Whether it ends with an error in the middle.
    pub(super) fails: bool,
    pub(super) is_slow: bool,
}

/// A source of the text between two positions, in characters.
#[derive(Debug)]
pub(super) struct Citation {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) title: &'static str,
    pub(super) url: &'static str,
}

impl Answer {
    /// The answer to a request. It depends on nothing else.
    pub(super) fn to(request: &Request) -> Self {
        let asked = request.user_texts();
        let latest = asked.last().map(String::as_str).unwrap_or_default();
        if request.wants_title() {
            return Self { text: title(latest), ..Self::default() };
        }
        let words = Words::of(latest);
        let mut answer = Self { is_slow: words.has("slow"), ..Self::default() };
        let outputs = request.outputs();
        if !outputs.is_empty() {
            return Self { text: after_calls(&outputs, &request.said_since()), ..answer };
        }
        if let Some(text) = about_order(latest) {
            return Self { text, ..answer };
        }
        if words.has("think") || words.has("thinking") {
            answer.thoughts = texts::THOUGHTS.to_vec();
        }
        answer.act = Act::about(latest, &words, request);
        match &answer.act {
            Some(Act::Call { .. }) => return answer,
            Some(Act::Search { .. }) => {
                texts::SEARCHED.clone_into(&mut answer.text);
                answer.cite();
                return answer;
            }
            Some(Act::Draw { .. }) => return Self { text: texts::DRAWN.to_owned(), ..answer },
            None => {}
        }
        if words.has("refuse") {
            return Self { text: texts::REFUSAL.to_owned(), is_refusal: true, ..answer };
        }
        if words.has("fail") {
            return Self { text: texts::BEFORE_FAILURE.to_owned(), fails: true, ..answer };
        }
        answer.text = opening(request, &asked);
        let pieces =
            [("markdown", texts::MARKDOWN), ("list", texts::LIST), ("table", texts::TABLE), ("code", texts::CODE)];
        let files = request.files();
        if !files.is_empty() {
            answer.add(&received(&files));
        }
        let has_pieces =
            pieces.iter().filter(|(keyword, _)| words.has(keyword)).map(|(_, piece)| answer.add(piece)).count();
        if words.has("source") || words.has("link") {
            answer.cite();
        } else if words.has("long") {
            answer.add(&texts::long());
        } else if has_pieces == 0 && files.is_empty() {
            answer.add(texts::HELP);
        }
        answer
    }

    /// Whether it is the call of a function and nothing else.
    pub(super) const fn is_silent(&self) -> bool {
        matches!(self.act, Some(Act::Call { .. }))
    }

    fn add(&mut self, paragraph: &str) {
        self.text.push_str("\n\n");
        self.text.push_str(paragraph);
    }

    /// Says a sentence for each source.
    fn cite(&mut self) {
        self.add("This is how sources look:");
        for (title, url) in texts::SOURCES {
            self.text.push(' ');
            let start = self.text.chars().count();
            self.text.push('“');
            self.text.push_str(title);
            self.text.push_str("” has more on it.");
            self.citations.push(Citation { start, end: self.text.chars().count(), title, url });
        }
    }
}

/// Who answers, what was asked, and how many messages the request has.
fn opening(request: &Request, asked: &[String]) -> String {
    let latest = asked.last().map(String::as_str).unwrap_or_default();
    let mut text = "I am the **demo model**. I understand nothing, ".to_owned();
    if latest.trim().is_empty() {
        text.push_str("and you wrote nothing.");
    } else {
        text.push_str("but I can repeat what you wrote:\n");
        quote(&mut text, latest);
    }
    let history = match request.message_count() {
        1 => "It is the first message of our conversation.".to_owned(),
        count => format!("I was given {count} messages of our conversation, yours and mine."),
    };
    text.push_str("\n\n");
    text.push_str(&history);
    if let [.., previous, _] = asked {
        text.push_str(" Before this one you wrote: “");
        text.push_str(&shortened(previous).replace('\n', " "));
        text.push('”');
    }
    text
}

/// The outputs of functions, and what the user said after them.
fn after_calls(outputs: &[(&str, String)], said: &[String]) -> String {
    let mut text = "I am the **demo model**, and used what I was given:".to_owned();
    for (name, output) in outputs {
        text.push_str(&format!("\n\n`{name}` returned\n\n```json\n{}\n```", shortened(output)));
    }
    for said in said {
        text.push_str("\n\nThen I was told:\n");
        quote(&mut text, said);
    }
    text
}

/// The answer to the hidden context of the demonstration's shop after a checkout.
fn about_order(latest: &str) -> Option<String> {
    let (_, order) = latest.split_once("order number ")?;
    let number: String = order.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("I am the **demo model**. The shop has told me of order number **{number}**: thank you!"))
}

/// The names, types and sizes of files.
fn received(files: &[File]) -> String {
    let described = files.iter().map(|file| {
        let name = file.name.as_deref().map_or_else(|| "A picture".to_owned(), |name| format!("`{name}`"));
        match &file.data {
            Some(data) => format!("- {name}: {}, {} bytes", data.media_type, data.size),
            None => format!("- {name}, as an address"),
        }
    });
    format!("I cannot look at what you attached, but it arrived:\n\n{}", described.collect::<Vec<_>>().join("\n"))
}

/// Adds a text as a quotation.
fn quote(text: &mut String, quoted: &str) {
    for line in shortened(quoted).lines() {
        text.push_str("\n> ");
        text.push_str(line);
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// The first words of a message, as a title.
fn title(message: &str) -> String {
    let words: Vec<_> = message.split_whitespace().take(6).collect();
    let title = words.join(" ");
    let title = title.trim_matches(|character: char| !character.is_alphanumeric());
    let mut characters = title.chars().take(60);
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "A conversation".to_owned(),
    }
}
