//! What a tree says that it takes is never less than what it takes: a limit that was lower than the truth would end
//! the instance and not the request. Alone in its process, for it counts every allocation.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use cap::Cap;
use std::alloc::System;
use strongroom_bindings::types::{OpenFlags, Timestamp};
use strongroom_tree::{NodeId, Tree};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const NOW: Timestamp = Timestamp { seconds: 0, nanoseconds: 0 };
const CAPACITY: u64 = 1 << 30;

#[test]
fn the_budget_covers_what_is_allocated() {
    covers("empty files, names in order", 1, |tree, number| {
        create(tree, &format!("/{number:06}"));
    });
    covers("empty files, names scattered", 1, |tree, number| {
        create(tree, &format!("/{:x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    });
    covers("directories", 1, |tree, number| tree.make_directory(&format!("/{number}"), 0o755, NOW).unwrap());
    covers("symbolic links", 1, |tree, number| tree.symlink("to", &format!("/{number}"), NOW).unwrap());
    covers("hard links", 1, |tree, number| {
        if number == 0 {
            create(tree, "/file");
        }
        tree.hard_link("/file", &format!("/{number}"), NOW).unwrap();
    });
    covers("small files", 1, |tree, number| {
        let file = create(tree, &format!("/{number}"));
        tree.write(file, Some(0), b"x", NOW).unwrap();
    });
    covers("far-apart bytes of one file", 1, |tree, number| {
        let file = create(tree, "/sparse");
        tree.write(file, Some(number << 20), b"x", NOW).unwrap();
    });
    covers("one file that grows", 100, |tree, _| {
        let file = create(tree, "/long");
        tree.write(file, None, &[1; 1000], NOW).unwrap();
    });
    covers("files that were cut", 100, |tree, number| {
        let file = create(tree, &format!("/{number}"));
        tree.write(file, Some(0), &[1; 100_000], NOW).unwrap();
        let changes = strongroom_bindings::types::AttributeChanges { size: Some(70_000), ..no_changes() };
        tree.set_stat_open(file, &changes, NOW).unwrap();
    });
}

fn covers(what: &str, divide: u64, make: impl Fn(&mut Tree, u64)) {
    let mut tree = Tree::new(CAPACITY, NOW);
    let before = HEAP.allocated();
    for number in 0..20_000 / divide {
        make(&mut tree, number);
    }
    let taken = (HEAP.allocated() - before) as u64;
    assert!(taken <= tree.budget().used(), "{what}: {taken} bytes taken, {} accounted for", tree.budget().used());
}

fn create(tree: &mut Tree, path: &str) -> NodeId {
    let file = tree.open(path, OpenFlags::WRITE | OpenFlags::CREATE, 0o644, NOW).unwrap();
    tree.release(file);
    file
}

fn no_changes() -> strongroom_bindings::types::AttributeChanges {
    strongroom_bindings::types::AttributeChanges {
        size: None,
        permissions: None,
        uid: None,
        gid: None,
        accessed: None,
        modified: None,
        extended: vec![],
    }
}
