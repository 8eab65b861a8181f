//! A name that stands for several engines, with a lookup that the test steers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairway::engine::dagger::{Config, Dagger, Lookup};
use fairway::engine::{Engine as _, Origin, Outcome, Station, StationState};
use tokio_util::sync::CancellationToken;

use super::{Lab, real};

const NAME: &str = "dns+tcp://engines.test:8080";

/// What the name stands for now; an error's words where it stands for nothing.
type Answer = Arc<Mutex<Result<Vec<SocketAddr>, String>>>;

fn steered(answer: &Answer) -> Lookup {
    let answer = answer.clone();
    Arc::new(move |host| {
        assert_eq!(host, "engines.test:8080");
        let now = answer.lock().expect("a lock").clone();
        Box::pin(std::future::ready(now.map_err(std::io::Error::other)))
    })
}

async fn lab(runner: &str, answer: &Answer) -> Lab {
    let mut lab = Lab::new("dagger", runner, &[("a", "1")]).await;
    let config = Config { runners: vec![NAME.to_owned()], modules: Vec::new(), ..lab.config.clone() };
    lab.engine = Dagger::with_lookup(config, steered(answer));
    lab
}

fn named(stations: &[Station]) -> Vec<(&str, bool)> {
    let found = stations.iter().filter(|s| s.origin == Origin::Found(NAME.to_owned()));
    found.map(|station| (station.address.as_str(), station.leaving)).collect()
}

#[tokio::test]
async fn a_name_without_engines_is_waited_for_and_says_so() {
    let answer: Answer = Arc::new(Mutex::new(Err("no such name".to_owned())));
    let lab = lab("unix:///nonexistent.sock", &answer).await;
    let (outcome, _) = lab.run(lab.spec(&["true"])).await;
    assert_eq!(outcome, Outcome::NotNow(format!("{NAME} stands for no engine: no such name")));
    assert_eq!(lab.engine.preflight().await, Err(format!("{NAME} stands for no engine: no such name")));
    let station = lab.engine.stations().remove(0);
    assert_eq!((station.address.as_str(), &station.origin), (NAME, &Origin::Name));
    assert!(matches!(&station.state, StationState::Down { why, .. } if why.contains("no such name")), "{station:?}");
}

/// Passes connections on to a socket, as a Service's pod would take them.
async fn pod(socket: &str) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let socket = socket.to_owned();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let socket = socket.clone();
            tokio::spawn(async move {
                let mut to = tokio::net::UnixStream::connect(socket).await.expect("the engine");
                // An end that hangs up is no news.
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn engines_that_a_name_gains_get_runs_and_those_that_it_loses_end_theirs() {
    let Some(runner) = real() else { return };
    let Some(socket) = runner.strip_prefix("unix://") else {
        println!("left out: engines behind a name; it passes ports on to a socket, and FAIRWAY_TEST_DAGGER names none");
        return;
    };
    let (first, second) = (pod(socket).await, pod(socket).await);
    let answer: Answer = Arc::new(Mutex::new(Ok(vec![first])));
    let lab = lab(&runner, &answer).await;
    let (one, two) = (format!("tcp://{first}"), format!("tcp://{second}"));
    let stop = CancellationToken::new();
    let seen = async |wanted: &[(&str, bool)]| {
        let patience = async {
            while named(&lab.engine.stations()) != wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), patience).await;
        assert!(waited.is_ok(), "{wanted:?} was not seen, but {:?}", lab.engine.stations());
    };
    let story = async {
        seen(&[(&one, false)]).await;
        let long = lab.run(lab.spec(&["sleep 14; echo ended"]));
        let change = async {
            while lab.engine.stations().iter().all(|station| station.live == 0) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            *answer.lock().expect("a lock") = Ok(vec![second]);
            let mut both = [(one.as_str(), true), (two.as_str(), false)];
            both.sort();
            seen(&both).await;
            let (outcome, _) = lab.run(lab.spec(&["true"])).await;
            assert_eq!(outcome, Outcome::Success);
            let runs: Vec<u64> = lab.engine.stations().iter().map(|station| station.sessions).collect();
            assert_eq!(runs, [1, 1], "the one that joined got it");
        };
        let ((outcome, said), ()) = tokio::join!(long, change);
        assert_eq!((outcome, said.log[&0].as_str()), (Outcome::Success, "ended\n"), "what leaves ends its run");
        seen(&[(&two, false)]).await;
        stop.cancel();
    };
    tokio::join!(lab.engine.attend(stop.clone()), story);
}
