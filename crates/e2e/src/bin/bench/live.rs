//! From the commit of a challenge to the phone's open event stream.

use std::time::{Duration, Instant};

use nod_protocol::device_api::{PendingEvent, paths};

use crate::http::Http;
use crate::installation;
use crate::people;
use crate::process::Role;
use crate::table::{self, Samples};
use crate::trips::Client;

const PEOPLE: usize = 50;
const SAMPLES_PER_PERSON: usize = 10;
const LIMIT: Duration = Duration::from_secs(10);

/// Reads events until one names a request.
async fn next_request(stream: &mut Http) -> (Instant, String) {
    loop {
        let event = stream.until(b"}\n\n").await;
        let at = Instant::now();
        let text = String::from_utf8_lossy(&event);
        let data = text.split("data: ").nth(1).unwrap();
        let event: PendingEvent = serde_json::from_str(data.trim_end()).unwrap();
        if let Some(id) = event.ids.first() {
            return (at, id.to_string());
        }
    }
}

pub(crate) async fn run() {
    let folder = installation::folder();
    let database = folder.path().join("nod.db");
    let store = installation::store(&database);
    let people = people::seed(&*store, PEOPLE, None).await;
    drop(store);
    let server = Role::start(&["server", database.to_str().unwrap()]);
    let (mut from_answer, mut from_post) = (Samples::default(), Samples::default());
    for mut person in people {
        let mut client = Client::connect(&server.address).await;
        let mut stream = Http::connect(&server.address).await;
        let bearer = format!("authorization: Bearer {}", person.token);
        stream.write(&format!("GET {}", paths::EVENTS), &[&bearer], b"").await;
        // The first event, without requests, tells that the stream is open.
        stream.until(b"}\n\n").await;
        for _ in 0..SAMPLES_PER_PERSON {
            let posted = Instant::now();
            let begin = async {
                let cookie = client.begin(&mut person).await;
                (cookie, Instant::now())
            };
            let both = async { tokio::join!(begin, next_request(&mut stream)) };
            let ((cookie, begun), (heard, id)) = tokio::time::timeout(LIMIT, both).await.expect("no event came");
            from_post.add(heard - posted);
            let (late, early) = (heard.saturating_duration_since(begun), begun.saturating_duration_since(heard));
            from_answer.add_ms(table::ms(late) - table::ms(early));
            let request = client.fetch(&person, &id).await;
            client.answer(&person, &request).await;
            client.collect(&cookie).await;
        }
    }
    let rows: Vec<_> = [
        ("event, after the 303 of POST /sign-in (1)", &from_answer),
        ("event, after POST /sign-in was sent (2)", &from_post),
    ]
    .into_iter()
    .map(|(name, samples)| {
        let mut row = vec![name.to_owned(), samples.len().to_string()];
        row.extend(samples.cells());
        row
    })
    .collect();
    table::print("Live channel, one at a time", &["from, to", "samples", "p50 ms", "p99 ms", "max ms"], &rows);
    println!("  (1) the 303 leaves right after the commit; below zero: the phone knew before the browser did");
    println!("  (2) upper bound: with the whole first step, flush to disk included");
}
