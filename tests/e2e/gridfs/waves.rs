//! Waits overlap: answers that the server's end holds back and lets go in waves are not waited for one after another.

use super::gridfs;
use super::meddler::Meddler;
use strongroom_tests::mongodb::Database;
use strongroom_tests::packet::{Body, flag, kind};
use strongroom_tests::tree::Noise;
use strongroom_tests::{Client, Place, Reply};

const READS: usize = 64;
const MOST_WAVES: u64 = 3;

/// Sends one small read of each of `reads` (a handle, an offset), then takes the answers, and tells of them and of how
/// many waves it took.
fn in_flight(client: &mut Client, meddler: &Meddler, reads: &[(Vec<u8>, u64)]) -> (Vec<Vec<u8>>, u64) {
    meddler.hold();
    let ids: Vec<u32> = reads
        .iter()
        .map(|(handle, offset)| client.send(kind::READ, Body::new().string(handle).u64(*offset).u32(100)))
        .collect();
    let answers = ids.into_iter().map(|id| match client.receive(id) {
        Reply::Data(bytes) => bytes,
        other => panic!("{other:?}"),
    });
    let answers = answers.collect();
    (answers, meddler.release())
}

#[test]
fn small_reads_of_one_file_take_few_waves() {
    const CHUNK: usize = 4096;
    let (place, database) = (Place::new(), Database::fresh());
    let bytes = Noise::new(5).bytes(CHUNK * 4 * READS);
    let small_chunks = ["--set", "chunk-size=4096"];
    gridfs(&place, &database).args(small_chunks).connect().put("/file", &bytes).unwrap();
    let meddler = Meddler::before(database.server());
    let mut client = gridfs(&place, &database.clone().through(meddler.port())).args(small_chunks).connect();
    let handle = client.open("/file", flag::READ, None).unwrap();
    // Here and there, so that no read ahead has them.
    let offsets = (0..READS).map(|index| ((index * 37) % (4 * READS) * CHUNK) as u64);
    let reads: Vec<_> = offsets.map(|offset| (handle.clone(), offset)).collect();
    let (answers, waves) = in_flight(&mut client, &meddler, &reads);
    for (answer, (_, offset)) in answers.iter().zip(&reads) {
        let offset = usize::try_from(*offset).unwrap();
        assert!(answer[..] == bytes[offset..offset + 100], "what is read at {offset}");
    }
    println!("noted: {READS} small reads of one file took {waves} waves");
    assert!((1..=MOST_WAVES).contains(&waves), "{waves} waves");
}

#[test]
fn small_reads_of_many_files_take_few_waves() {
    let (place, database) = (Place::new(), Database::fresh());
    let mut writer = gridfs(&place, &database).connect();
    for index in 0..READS {
        writer.put(format!("/{index}"), &Noise::new(index as u64).bytes(1000)).unwrap();
    }
    let meddler = Meddler::before(database.server());
    let mut client = gridfs(&place, &database.clone().through(meddler.port())).connect();
    let open = |index| (client.open(format!("/{index}"), flag::READ, None).unwrap(), 7);
    let reads: Vec<_> = (0..READS).map(open).collect();
    let (answers, waves) = in_flight(&mut client, &meddler, &reads);
    for (index, answer) in answers.iter().enumerate() {
        assert!(answer[..] == Noise::new(index as u64).bytes(1000)[7..107], "file {index}");
    }
    println!("noted: {READS} small reads of as many files took {waves} waves");
    assert!((1..=MOST_WAVES).contains(&waves), "{waves} waves");
}
