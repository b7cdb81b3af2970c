//! The longer pieces of what the demo model says.

pub(super) const HELP: &str = "\
Try a message with one of these words, or several at once:

- **list**, **table**, **code** or **markdown** for what the page can render
- **source** for an answer that cites
- **think** for thoughts before the answer
- **long** for 100 KB of text, cut at the output limit (`MAX_OUTPUT_TOKENS`: 32 KB if it is not set), **slow** for a \
  patient one
- **refuse** for a refusal, **fail** for an error in the middle
- **dark**, **products**, **questions**, **news** or **picture** for a tool, where the assistant has it

To talk to a real model, set `OPENAI_API_KEY` and start again.";

pub(super) const LIST: &str = "\
A list:

1. First things first.
2. Then the rest:
   - some of it,
   - and the other half.
3. Done.";

pub(super) const TABLE: &str = "\
A table:

| Planet | Moons | Day in hours |
| :-- | --: | --: |
| Earth | 1 | 24 |
| Mars | 2 | 24.6 |
| Neptune | 16 | 16.1 |";

pub(super) const CODE: &str = "\
Some code:

```rust
fn main() {
    let greeting = [\"Hello\", \"from\", \"the\", \"demo\", \"model\"].join(\" \");
    println!(\"{greeting}\");
}
```";

pub(super) const MARKDOWN: &str = "\
### A heading

Text can be *emphasised*, **strong**, ~~struck~~ or `code`, and it can hold [a link](https://example.com/).

> A quotation stands on its own.";

pub(super) const SEARCHED: &str =
    "I am the **demo model**. I cannot reach the web, but I can show what a search looks like.";

pub(super) const DRAWN: &str = "I am the **demo model**. I paint the same evening for everybody, by a formula.";

/// Said before an answer, as a model does that thinks.
pub(super) const THOUGHTS: [&str; 2] = [
    "**Reading the question**\n\nThe user wants to see me think. I cannot, but I can show what it would look like.",
    "**Choosing words**\n\nI look for the words I know in the message and put the matching texts together.",
];

pub(super) const REFUSAL: &str = "I'm sorry, but I can't help with that. (This is what a refusal looks like.)";

pub(super) const BEFORE_FAILURE: &str = "This answer will break off in the middle of";

/// What is cited, as title and address.
pub(super) const SOURCES: [(&str, &str); 2] = [
    ("ChatKit guide", "https://platform.openai.com/docs/guides/chatkit"),
    ("ChatKit for JavaScript", "https://openai.github.io/chatkit-js/"),
];

/// About 100 KB in numbered paragraphs.
pub(super) fn long() -> String {
    let paragraph = |number: usize| {
        format!(
            "Paragraph {number} of a long answer. It says nothing in particular, but it says it at length, so that you \
             can watch how the page scrolls, how the text keeps coming, and what happens when you leave and come back."
        )
    };
    (1..=450).map(paragraph).collect::<Vec<_>>().join("\n\n")
}
