//! An update of one record. In its expressions `#name` is the attribute `name`, and `:name` a value.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    self, AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use super::key::Key;
use super::record::{Record, text};

/// The id of a record's last counting write. One is enough to know a write that comes again, because that happens
/// within a moment; it counts twice only where another one was written in between. What would exclude that, a
/// transaction, costs twice as much for every write.
pub(super) const LAST: &str = "last";

/// An update of one record.
#[derive(Debug)]
pub(super) struct Update {
    key: Key,
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    delete: Vec<String>,
    conditions: Vec<String>,
    /// None rather than empty, which DynamoDB refuses.
    values: Option<HashMap<String, AttributeValue>>,
    returns_new: bool,
    pub(super) write_id: Option<WriteId>,
}

impl Update {
    pub(super) const fn of(key: Key) -> Self {
        Self {
            key,
            set: Vec::new(),
            add: Vec::new(),
            remove: Vec::new(),
            delete: Vec::new(),
            conditions: Vec::new(),
            values: None,
            returns_new: false,
            write_id: None,
        }
    }

    pub(super) fn set(self, name: &str, value: AttributeValue) -> Self {
        self.set_to(name, &format!(":{name}")).value(name, value)
    }

    /// Sets an attribute to what an expression says.
    pub(super) fn set_to(mut self, name: &str, expression: &str) -> Self {
        self.set.push(format!("#{name} = {expression}"));
        self
    }

    /// Adds a value, by its name in the request, to a number or a set.
    pub(super) fn add(mut self, name: &str, value_name: &str, value: AttributeValue) -> Self {
        self.add.push(format!("#{name} :{value_name}"));
        self.value(value_name, value)
    }

    pub(super) fn remove(mut self, name: &str) -> Self {
        self.remove.push(format!("#{name}"));
        self
    }

    /// Removes elements from a set.
    pub(super) fn remove_elements(mut self, name: &str, elements: AttributeValue) -> Self {
        self.delete.push(format!("#{name} :{name}"));
        self.value(name, elements)
    }

    /// Adds a condition. One with an `OR` needs parentheses where there is another.
    pub(super) fn when(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    pub(super) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.get_or_insert_default().insert(format!(":{name}"), value);
        self
    }

    /// Asks for the record as it is after the update.
    pub(super) const fn returning_new(mut self) -> Self {
        self.returns_new = true;
        self
    }

    /// Makes the update count once, though the SDK sends one again whose answer was lost.
    pub(super) fn once(mut self, id: WriteId) -> Self {
        self.write_id = Some(id.clone());
        self.set(LAST, text(id.0)).when(format!("(attribute_not_exists(#{LAST}) OR #{LAST} <> :{LAST})"))
    }

    /// The request that makes this update alone.
    pub(super) fn request(self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        request
            .set_expression_attribute_names(Some(self.names()))
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .set_return_values(self.returns_new.then_some(ReturnValue::AllNew))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_key(Some(self.key.record().0))
            .set_expression_attribute_values(self.values)
    }

    /// The same as a part of a transaction.
    pub(super) fn part(self, table: &str) -> Result<TransactWriteItem, BuildError> {
        let update = types::Update::builder()
            .table_name(table)
            .set_expression_attribute_names(Some(self.names()))
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_key(Some(self.key.record().0))
            .set_expression_attribute_values(self.values);
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn expression(&self) -> String {
        let clauses = [("SET", &self.set), ("ADD", &self.add), ("REMOVE", &self.remove), ("DELETE", &self.delete)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        clauses.map(|(name, parts)| format!("{name} {}", parts.join(", "))).collect::<Vec<_>>().join(" ")
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    fn names(&self) -> HashMap<String, String> {
        names(&format!("{} {}", self.expression(), self.condition().unwrap_or_default()))
    }
}

/// The attributes that an expression names, each after its `#`.
pub(super) fn names(expression: &str) -> HashMap<String, String> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    expression.split('#').skip(1).map(name).map(|name| (format!("#{name}"), name)).collect()
}

/// What tells one write from all others.
#[derive(Debug, Clone)]
pub(super) struct WriteId(String);

/// Makes ids of writes. Clones share their numbers, and no two processes have the same.
#[derive(Debug, Clone)]
pub(super) struct WriteIds(Arc<AtomicU64>);

impl WriteIds {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(StdRng::from_os_rng().next_u64())))
    }

    pub(super) fn next(&self) -> WriteId {
        WriteId(format!("{:x}", self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

impl WriteId {
    /// Whether the write happened, by the record as it is.
    pub(super) fn is_on(&self, record: &Record) -> bool {
        record.text(LAST) == Some(&self.0)
    }

    /// The value that the record has.
    pub(super) fn value(&self) -> AttributeValue {
        text(&self.0)
    }

    /// Of something that is written once and has an id.
    pub(super) fn of(id: &str) -> Self {
        Self(id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::number;

    fn update() -> Update {
        Update::of(Key { partition: "p".to_owned(), sort: "s".to_owned() })
    }

    #[test]
    fn update_has_an_expression_of_its_clauses_and_names_each_attribute_once() {
        let names = |names: &[&str]| names.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
        for (update, expression, condition, expected) in [
            (update().set("a", number(1)), "SET #a = :a", None, names(&["a"])),
            (update().remove("b").set("a", number(1)), "SET #a = :a REMOVE #b", None, names(&["a", "b"])),
            (
                update().add("h500000", "more", number(1)).when("#pk = :p").when("(#a < :a OR size(#b_c) = :x)"),
                "ADD #h500000 :more",
                Some("#pk = :p AND (#a < :a OR size(#b_c) = :x)"),
                names(&["h500000", "pk", "a", "b_c"]),
            ),
            (update().remove_elements("open", number(1)), "DELETE #open :open", None, names(&["open"])),
            (
                update().once(WriteId::of("w")),
                "SET #last = :last",
                Some("(attribute_not_exists(#last) OR #last <> :last)"),
                names(&["last"]),
            ),
        ] {
            assert_eq!(update.expression(), expression);
            assert_eq!((update.condition().as_deref(), update.names()), (condition, expected), "{expression}");
        }
    }
}
