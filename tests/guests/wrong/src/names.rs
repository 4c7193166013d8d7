//! What becomes of names in a listing that spoils them.

use crate::world::World;

pub(crate) fn spoiled(world: &World, name: String) -> String {
    if world.lies("names-odd") {
        name.replace('\n', " ")
    } else if world.lies("names-case") && name.chars().all(|character| character.is_ascii_alphabetic()) {
        name.to_lowercase()
    } else if world.lies("names-normal-form") {
        name.replace("e\u{301}", "\u{e9}")
    } else if world.lies("names-long") && name.len() > 254 {
        name.chars().take(254).collect()
    } else if world.lies("names-not-utf8") {
        name.replace(|character| matches!(character, '\u{ef80}'..='\u{efff}'), "\u{fffd}")
    } else {
        name
    }
}
