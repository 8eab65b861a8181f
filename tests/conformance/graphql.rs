//! A query as the fake engine reads it. Argument order in the SDK's text is random, so text is never compared.

use std::collections::BTreeMap;

use graphql_parser::query::{Definition, OperationDefinition, Selection, SelectionSet, TypeCondition, Value};

/// One field with its arguments and what is asked of its result.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    /// The name in the answer.
    pub key: String,
    pub args: BTreeMap<String, Arg>,
    pub below: Vec<Field>,
    /// The type that `... on` demands of what this field gives.
    pub on: Option<String>,
}

/// The values that Fairway's queries have.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    Text(String),
    Word(String),
    Number(i64),
    Flag(bool),
    List(Vec<Arg>),
    Nothing,
}

impl Field {
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.args.get(name) {
            Some(Arg::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let Some(Arg::List(list)) = self.args.get(name) else { return Vec::new() };
        let text = |arg: &Arg| match arg {
            Arg::Text(text) => Some(text.clone()),
            _ => None,
        };
        list.iter().filter_map(text).collect()
    }

    /// Whether a field of this name is asked for here or below.
    pub fn asks(&self, name: &str) -> bool {
        self.name == name || self.below.iter().any(|field| field.asks(name))
    }

    /// The first field of this name, here or below.
    pub fn find(&self, name: &str) -> Option<&Field> {
        if self.name == name { Some(self) } else { self.below.iter().find_map(|field| field.find(name)) }
    }
}

/// The fields of a query, or what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Field>, String> {
    let document = graphql_parser::parse_query::<String>(text).map_err(|error| error.to_string())?;
    let mut fields = Vec::new();
    for definition in document.definitions {
        match definition {
            Definition::Operation(OperationDefinition::Query(query)) => fields.extend(set(&query.selection_set)?.0),
            Definition::Operation(OperationDefinition::SelectionSet(one)) => fields.extend(set(&one)?.0),
            _ => return Err("only queries are known here".to_owned()),
        }
    }
    Ok(fields)
}

fn set(set: &SelectionSet<'_, String>) -> Result<(Vec<Field>, Option<String>), String> {
    let (mut fields, mut on) = (Vec::new(), None);
    for item in &set.items {
        match item {
            Selection::Field(field) => {
                let args = field.arguments.iter().map(|(name, value)| Ok((name.clone(), arg(value)?)));
                let (below, on) = self::set(&field.selection_set)?;
                fields.push(Field {
                    name: field.name.clone(),
                    key: field.alias.clone().unwrap_or_else(|| field.name.clone()),
                    args: args.collect::<Result<_, String>>()?,
                    below,
                    on,
                });
            }
            Selection::InlineFragment(fragment) => {
                on = fragment.type_condition.as_ref().map(|TypeCondition::On(name)| name.clone());
                fields.extend(self::set(&fragment.selection_set)?.0);
            }
            Selection::FragmentSpread(_) => return Err("named fragments are not known here".to_owned()),
        }
    }
    Ok((fields, on))
}

fn arg(value: &Value<'_, String>) -> Result<Arg, String> {
    Ok(match value {
        Value::String(text) => Arg::Text(text.clone()),
        Value::Enum(word) => Arg::Word(word.clone()),
        Value::Int(number) => Arg::Number(number.as_i64().unwrap_or_default()),
        Value::Boolean(flag) => Arg::Flag(*flag),
        Value::List(list) => Arg::List(list.iter().map(arg).collect::<Result<_, _>>()?),
        Value::Null => Arg::Nothing,
        other => return Err(format!("{other} is not known here")),
    })
}
