//! Which documents a filter is for, and in what order they come.

use bson::{Bson, Document};
use std::cmp::Ordering;

/// What stands at a path with dots in it.
pub fn at<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    match path.split_once('.') {
        None => document.get(path),
        Some((first, rest)) => at(document.get_document(first).ok()?, rest),
    }
}

pub fn matches(document: &Document, filter: &Document) -> bool {
    filter.iter().all(|(path, condition)| {
        let value = at(document, path);
        match condition {
            Bson::Document(operators) if operators.keys().all(|key| key.starts_with('$')) => {
                operators.iter().all(|(operator, operand)| value.is_some_and(|value| holds(value, operator, operand)))
            }
            wanted => value == Some(wanted) || value.and_then(|value| compare(value, wanted)) == Some(Ordering::Equal),
        }
    })
}

fn holds(value: &Bson, operator: &str, operand: &Bson) -> bool {
    let order = compare(value, operand);
    match operator {
        "$gt" => order == Some(Ordering::Greater),
        "$gte" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        "$lt" => order == Some(Ordering::Less),
        "$lte" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        "$in" => operand.as_array().unwrap().iter().any(|one| compare(value, one) == Some(Ordering::Equal)),
        other => panic!("the operator {other} is not known here"),
    }
}

/// `None` for what is of different kinds, which never matches.
fn compare(a: &Bson, b: &Bson) -> Option<Ordering> {
    let number = |value: &Bson| value.as_i64().or(value.as_i32().map(i64::from));
    match (a, b) {
        (Bson::String(a), Bson::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Bson::DateTime(a), Bson::DateTime(b)) => Some(a.cmp(b)),
        (Bson::ObjectId(a), Bson::ObjectId(b)) => Some(a.cmp(b)),
        (Bson::Document(a), Bson::Document(b)) => Some(a.to_vec().unwrap().cmp(&b.to_vec().unwrap())),
        _ => Some(number(a)?.cmp(&number(b)?)),
    }
}

pub fn sort(documents: &mut [Document], order: &Document) {
    documents.sort_by(|a, b| {
        order.iter().fold(Ordering::Equal, |so_far, (path, direction)| {
            so_far.then_with(|| {
                let by = at(a, path).zip(at(b, path)).and_then(|(a, b)| compare(a, b)).unwrap_or(Ordering::Equal);
                if direction.as_i32() == Some(-1) { by.reverse() } else { by }
            })
        })
    });
}
