//! What the document says, and what becomes of it.

use chatkit_shared::assistant::Assistant;
use chatkit_shared::env::Env;

fn read(document: &str) -> Result<Assistant, String> {
    Assistant::from_env(&Env::from_iter([("ASSISTANT", document)])).map_err(|error| error.to_string())
}

#[test]
fn smoke() {
    let document = r#"{"model":"m","instructions":"Hi {{ user.name | default('you') }}","tools":[{"type":"web_search"},{"type":"function","name":"find_order","parameters":{"type":"object","properties":{"n":{"type":"integer"}}},"run":{"url":"https://shop.example/tools"}}]}"#;
    println!("{:#?}", read(document));
    for bad in [
        r#"{"#,
        r#"{"modle":1}"#,
        r#"{"model":1}"#,
        r#"{"model":null}"#,
        r#"{"reasoning":{"efort":"x"}}"#,
        r#"{"max_rounds":0}"#,
        r#"{"tools":[1]}"#,
        r#"{"tools":[{}]}"#,
        r#"{"tools":[{"type":"function"}]}"#,
        r#"{"tools":[{"type":"function","name":"a b","run":"client"}]}"#,
        r#"{"tools":[{"type":"function","name":"ab","run":"clint"}]}"#,
        r#"{"tools":[{"type":"function","name":"ab","run":{"url":"http://a"}}]}"#,
        r#"{"tools":[{"type":"function","name":"ab","run":{"url":"https://a","x":1}}]}"#,
        r#"{"tools":[{"type":"function","name":"ab","run":"client","parameters":{"type":"object","properties":{"a":{"type":"strin"}}}}]}"#,
        r#"{"composer":{"models":[{"id":"a","label":"b"}]}}"#,
        r#"{"composer":{"tools":[{"id":"a","label":"b","icon":"x","tool":"y"}]}}"#,
        r#"{"instructions":"{{ user.nmae }}"}"#,
        r#"{"instructions":"{{ user.name "}"#,
    ] {
        println!("{bad}\n    {}", read(bad).unwrap_err());
    }
}
