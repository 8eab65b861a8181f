//! Labels.

use serde_json::Value;

use super::answer::Answer;
use super::call::{Call, Reply, refused};
use crate::playground::world::{Label, Pull};

fn pull<'a>(call: &'a Call<'_>) -> Result<&'a Pull, Answer> {
    call.repo()?.pulls.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

pub fn of_pull(call: &mut Call<'_>) -> Reply {
    Ok(call.page(call.world.labels_json(call.repo()?, pull(call)?)))
}

pub fn add(call: &mut Call<'_>) -> Reply {
    let (repo, number, by) = (call.repo, pull(call)?.number, call.login());
    let list = if call.body.is_array() { &call.body } else { &call.body["labels"] };
    let names: Vec<String> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().or(name["name"].as_str()))
        .map(str::to_owned)
        .collect();
    for name in names {
        call.world.label(repo, number, &by, &name).map_err(|error| refused("Label", &error))?;
    }
    Ok(Answer::ok(Value::Array(call.world.labels_json(call.repo()?, pull(call)?))))
}

pub fn remove(call: &mut Call<'_>) -> Reply {
    let (repo, number, by) = (call.repo, pull(call)?.number, call.login());
    let name = call.arg(1).to_owned();
    if !call.world.unlabel(repo, number, &by, &name).map_err(|error| refused("Label", &error))? {
        return Err(Answer::error(404, "Label does not exist"));
    }
    Ok(Answer::ok(Value::Array(call.world.labels_json(call.repo()?, pull(call)?))))
}

pub fn list(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    Ok(call.page(repo.labels.values().map(|label| call.world.label_json(repo, label)).collect()))
}

pub fn read(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let label = repo.labels.get(call.arg(0)).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(call.world.label_json(repo, label)))
}

pub fn create(call: &mut Call<'_>) -> Reply {
    let name = call.need("Label", "name")?.to_owned();
    if call.repo()?.labels.contains_key(&name) {
        return Err(Answer::invalid("Label", "name", "already_exists", "name already exists"));
    }
    let id = call.world.id();
    let color = call.text("color").unwrap_or("ededed").to_owned();
    let label = Label { id, name: name.clone(), color, description: call.text("description").map(str::to_owned) };
    call.repo_mut()?.labels.insert(name, label.clone());
    Ok(Answer::created(call.world.label_json(call.repo()?, &label)))
}
