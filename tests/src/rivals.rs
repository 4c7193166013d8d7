//! Two sessions that want the same name at once: one has it.

use crate::Client;
use std::thread;

/// Both try each of `count` names; each name is had by one.
#[track_caller]
pub fn race(
    count: usize,
    connect: impl Fn() -> Client,
    attempt: impl Fn(&mut Client, &str) -> bool + Clone + Send + 'static,
) {
    let racers = [connect(), connect()].map(|mut client| {
        let attempt = attempt.clone();
        thread::spawn(move || (0..count).filter(|index| attempt(&mut client, &format!("/{index}"))).collect::<Vec<_>>())
    });
    let mut won: Vec<usize> = racers.map(|racer| racer.join().expect("the racer came to its end")).concat();
    won.sort_unstable();
    assert_eq!(won, (0..count).collect::<Vec<_>>());
}

/// Both rename a file of their own to each of `count` names, without leave to replace; each name is had by one.
#[track_caller]
pub fn race_renames(count: usize, connect: impl Fn() -> Client) {
    let racers = [("a", connect()), ("b", connect())].map(|(who, mut client)| {
        thread::spawn(move || {
            let mut wins = 0;
            for index in 0..count {
                client.put(format!("/{who}"), who.as_bytes()).expect("a file of one's own");
                wins += usize::from(client.rename(format!("/{who}"), format!("/{index}")).is_ok());
            }
            wins
        })
    });
    let wins: usize = racers.map(|racer| racer.join().expect("the racer came to its end")).iter().sum();
    assert_eq!(wins, count);
}
