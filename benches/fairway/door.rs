//! The door without anybody behind it: deliveries are stored as `serve` stores them, and no worker claims them.

use fairway::clock::Clock;
use fairway::store::Store;
use fairway::web::{self, hook::Door};

use crate::process::SECRET;

/// Serves until it is killed. `args`: the database, and where to listen.
pub async fn serve(args: &[String]) {
    let [database, listen] = args else { panic!("the door takes a database and an address") };
    let store = Store::open(database).await.expect("the database opens");
    store.migrate().await.expect("the tables come");
    let listener = tokio::net::TcpListener::bind(listen).await.expect("the port is free");
    let door = Door { secret: SECRET.as_bytes().into(), intake: store.intake(), clock: Clock::system() };
    axum::serve(listener, web::public(door)).await.expect("the door stays open");
}
