//! What a module's functions take and give, as the engine describes them, and how the words of `dagger = "..."` become
//! typed arguments.

use serde::Deserialize;

use crate::domain::project::Arg;
use crate::engine::RunSpec;

/// A module.
#[derive(Deserialize)]
pub struct Module {
    name: String,
    objects: Vec<Wrapped>,
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "asObject")]
    object: Option<Object>,
}

/// One of its objects.
#[derive(Deserialize)]
pub struct Object {
    name: String,
    constructor: Option<Constructor>,
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct Constructor {
    args: Vec<Argument>,
}

/// A function.
#[derive(Deserialize)]
pub struct Function {
    /// As the API calls it.
    pub name: String,
    args: Vec<Argument>,
    #[serde(rename = "returnType")]
    returns: Type,
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    #[serde(rename = "defaultValue")]
    default: Option<String>,
    #[serde(rename = "typeDef")]
    kind: Type,
}

#[derive(Deserialize)]
struct Type {
    kind: String,
    #[serde(default)]
    optional: bool,
    #[serde(rename = "asObject")]
    object: Option<Name>,
    #[serde(rename = "asList")]
    list: Option<Element>,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Element {
    #[serde(rename = "elementTypeDef")]
    of: Box<Type>,
}

/// An argument's value.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As GraphQL writes it.
    Plain(String),
    /// Objects that the engine must make first: their type and what was written.
    Objects {
        /// Many of them.
        list: bool,
        /// Type and text.
        values: Vec<(String, String)>,
    },
}

impl Module {
    /// The module's own object, and the function of that name.
    pub fn find(&self, name: &str) -> Result<(&Object, &Function), String> {
        let objects: Vec<&Object> = self.objects.iter().filter_map(|wrapped| wrapped.object.as_ref()).collect();
        let Some(object) = objects.iter().find(|object| alike(&object.name, &self.name)) else {
            return Err(format!("the repository's Dagger module `{}` has no functions", self.name));
        };
        match object.functions.iter().find(|function| alike(&function.name, name)) {
            Some(function) => Ok((object, function)),
            None => {
                let known: Vec<&str> = object.functions.iter().map(|f| f.name.as_str()).collect();
                Err(format!("the repository's Dagger module has no function `{name}`; it has: {}", known.join(", ")))
            }
        }
    }
}

impl Object {
    /// The field of the API's root that makes it.
    pub fn root(&self) -> String {
        let mut letters = self.name.chars();
        letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
    }

    /// What its constructor gets.
    pub fn constructor(&self, args: &[Arg]) -> Result<Vec<(String, Wanted)>, String> {
        let known = self.constructor.as_ref().map_or(&[][..], |constructor| constructor.args.as_slice());
        wanted(&self.name, known, args)
    }
}

impl Function {
    /// What it gets.
    pub fn wanted(&self, args: &[Arg]) -> Result<Vec<(String, Wanted)>, String> {
        wanted(&self.name, &self.args, args)
    }

    /// Whether something must be selected of what it returns.
    pub fn is_object(&self) -> bool {
        self.object().is_some()
    }

    /// The type of object that it returns.
    pub fn object(&self) -> Option<&str> {
        self.returns.object.as_ref().filter(|_| self.returns.kind == "OBJECT_KIND").map(|object| object.name.as_str())
    }

    /// Whether it returns what the pipeline's other keys need.
    pub fn promises(&self, spec: &RunSpec) -> Result<(), String> {
        let object = self.object();
        let gives = object.unwrap_or(match self.returns.kind.as_str() {
            "VOID_KIND" => "nothing",
            "LIST_KIND" => "a list",
            _ => "text",
        });
        let name = &self.name;
        if spec.export.is_some() && !matches!(object, Some("Directory" | "File")) {
            return Err(format!(
                "`export` needs a function that returns a Directory or a File; `{name}` returns {gives}"
            ));
        }
        if spec.publish.is_some() && object != Some("Container") {
            return Err(format!("`publish` needs a function that returns a Container; `{name}` returns {gives}"));
        }
        let listed = self.returns.list.as_ref().is_some_and(|list| list.of.object.is_some());
        if listed || !matches!(object, None | Some("Directory" | "File" | "Container")) {
            return Err(format!(
                "`{name}` returns {gives}, which Fairway cannot take; have it return text, a Directory, a File or a Container"
            ));
        }
        Ok(())
    }
}

fn wanted(of: &str, known: &[Argument], given: &[Arg]) -> Result<Vec<(String, Wanted)>, String> {
    let named = |arg: &Arg| known.iter().find(|k| alike(&k.name, &arg.key));
    if let Some(stranger) = given.iter().find(|arg| named(arg).is_none()) {
        let known: Vec<String> = known.iter().map(|k| format!("--{}", kebab(&k.name))).collect();
        let known = if known.is_empty() { "no arguments".to_owned() } else { known.join(", ") };
        return Err(format!("`{of}` has no argument `--{}`; it takes {known}", stranger.key));
    }
    let mut all = Vec::new();
    for argument in known {
        let values: Vec<Option<&str>> =
            given.iter().filter(|g| alike(&argument.name, &g.key)).map(|g| g.value.as_deref()).collect();
        if values.is_empty() {
            if argument.kind.optional || argument.default.is_some() {
                continue;
            }
            return Err(format!("`{of}` needs `--{}`", kebab(&argument.name)));
        }
        all.push((argument.name.clone(), argument.kind.read(&kebab(&argument.name), &values)?));
    }
    Ok(all)
}

impl Type {
    fn read(&self, key: &str, values: &[Option<&str>]) -> Result<Wanted, String> {
        let Some(list) = &self.list else {
            return match values {
                [one] => self.one(key, *one),
                _ => Err(format!("`--{key}` stands there twice and takes one value")),
            };
        };
        // As the Dagger CLI has it: several at once with commas, or the argument several times.
        let values = values.iter().flat_map(|value| value.unwrap_or_default().split(','));
        let values = values.map(|value| list.of.one(key, Some(value))).collect::<Result<Vec<Wanted>, String>>()?;
        let (mut plain, mut objects) = (Vec::new(), Vec::new());
        for value in values {
            match value {
                Wanted::Plain(text) => plain.push(text),
                Wanted::Objects { values, .. } => objects.extend(values),
            }
        }
        Ok(match objects.is_empty() {
            true => Wanted::Plain(format!("[{}]", plain.join(","))),
            false => Wanted::Objects { list: true, values: objects },
        })
    }

    fn one(&self, key: &str, value: Option<&str>) -> Result<Wanted, String> {
        let bad = |what: &str| format!("`--{key}` is {what}, and `{}` is not", value.unwrap_or_default());
        if self.kind == "BOOLEAN_KIND" {
            return match value {
                None | Some("true") => Ok(Wanted::Plain("true".to_owned())),
                Some("false") => Ok(Wanted::Plain("false".to_owned())),
                Some(_) => Err(bad("`true` or `false`")),
            };
        }
        let Some(text) = value else { return Err(format!("`--{key}` needs a value: `--{key}=...`")) };
        let kind = self.object.as_ref().map(|object| object.name.as_str());
        match (self.kind.as_str(), kind) {
            ("STRING_KIND" | "SCALAR_KIND", _) => Ok(Wanted::Plain(quoted(text))),
            ("INTEGER_KIND", _) => match text.parse::<i64>() {
                Ok(number) => Ok(Wanted::Plain(number.to_string())),
                Err(_) => Err(bad("a whole number")),
            },
            ("FLOAT_KIND", _) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Wanted::Plain(format!("{number:?}"))),
                _ => Err(bad("a number")),
            },
            ("ENUM_KIND", _) => {
                let word = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if word { Ok(Wanted::Plain(text.to_owned())) } else { Err(bad("a word")) }
            }
            ("OBJECT_KIND", Some(kind @ ("Directory" | "File" | "Secret" | "Container"))) => {
                Ok(Wanted::Objects { list: false, values: vec![(kind.to_owned(), text.to_owned())] })
            }
            (_, kind) => {
                Err(format!("`--{key}` is a {}, which cannot be given in fairway.toml", kind.unwrap_or("type")))
            }
        }
    }
}

/// A string as GraphQL writes it, which is as JSON does.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `my-name`, `my_name` and `myName` are one name.
fn alike(a: &str, b: &str) -> bool {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    plain(a) == plain(b)
}

/// `myName` as it is typed: `my-name`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn module() -> Module {
        let arg = |name: &str, kind: serde_json::Value| json!({ "name": name, "defaultValue": null, "typeDef": kind });
        serde_json::from_value(json!({ "name": "my-shop", "objects": [{ "asObject": {
            "name": "MyShop",
            "constructor": { "args": [arg("source", json!({ "kind": "OBJECT_KIND", "optional": false, "asObject": { "name": "Directory" } }))] },
            "functions": [{
                "name": "buildAll",
                "returnType": { "kind": "OBJECT_KIND", "asObject": { "name": "Directory" } },
                "args": [
                    arg("withTests", json!({ "kind": "BOOLEAN_KIND", "optional": true })),
                    arg("jobs", json!({ "kind": "INTEGER_KIND", "optional": true })),
                    arg("tags", json!({ "kind": "LIST_KIND", "optional": true, "asList": { "elementTypeDef": { "kind": "STRING_KIND" } } })),
                    arg("key", json!({ "kind": "OBJECT_KIND", "optional": true, "asObject": { "name": "Secret" } })),
                ],
            }],
        } }] }))
        .expect("a module")
    }

    fn args(line: &str) -> Vec<Arg> {
        match crate::domain::project::Call::parse(&format!("f {line}")) {
            Ok(crate::domain::project::Call::Function { args, .. }) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_become_typed_arguments() {
        let module = module();
        let (object, function) = module.find("build-all").expect("found");
        assert_eq!(object.root(), "myShop");
        let got = function.wanted(&args("--with-tests --jobs=4 --tags=a,b --tags='c d' --key=TOKEN")).expect("typed");
        let plain = |text: &str| Wanted::Plain(text.to_owned());
        let secret = Wanted::Objects { list: false, values: vec![("Secret".to_owned(), "TOKEN".to_owned())] };
        let names: Vec<&str> = got.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["withTests", "jobs", "tags", "key"]);
        let values: Vec<Wanted> = got.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [plain("true"), plain("4"), plain(r#"["a","b","c d"]"#), secret]);
    }

    #[test]
    fn what_does_not_fit_is_said_in_words() {
        let module = module();
        let (object, function) = module.find("buildAll").expect("found");
        let no = |line: &str| function.wanted(&args(line)).expect_err("refused");
        assert_eq!(no("--jobs=many"), "`--jobs` is a whole number, and `many` is not");
        assert_eq!(no("--jobs=1 --jobs=2"), "`--jobs` stands there twice and takes one value");
        assert_eq!(no("--key"), "`--key` needs a value: `--key=...`");
        assert_eq!(no("--job=1"), "`buildAll` has no argument `--job`; it takes --with-tests, --jobs, --tags, --key");
        assert_eq!(object.constructor(&[]).expect_err("needed"), "`MyShop` needs `--source`");
        let unknown = module.find("deploy").map(|_| ()).expect_err("unknown");
        assert_eq!(unknown, "the repository's Dagger module has no function `deploy`; it has: buildAll");
    }
}
