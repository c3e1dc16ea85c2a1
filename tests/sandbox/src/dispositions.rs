//! What calls can be about: a tree of at most three levels.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use sidetone_profile::Disposition;

use crate::problem::Problem;

/// The name it is stored under.
pub(crate) const DOCUMENT: &str = "dispositions";

const LEVELS: usize = 3;
const MOST: usize = 500;

/// A disposition as an administrator writes it: numbers may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    children: Vec<Wanted>,
}

/// What a new centre starts with.
pub(crate) fn default_tree() -> Vec<Disposition> {
    let leaf = |id, name: &str| Disposition {
        id,
        name: name.to_owned(),
        children: Vec::new(),
    };
    let branch = |id, name: &str, children| Disposition {
        id,
        name: name.to_owned(),
        children,
    };
    vec![
        branch(
            1,
            "Sale",
            vec![
                branch(
                    2,
                    "Order",
                    vec![leaf(3, "New order"), leaf(4, "Change of an order")],
                ),
                leaf(5, "No interest"),
            ],
        ),
        branch(
            6,
            "Support",
            vec![leaf(7, "Solved"), leaf(8, "Second line")],
        ),
        leaf(9, "Wrong number"),
    ]
}

/// The tree with every number given, or why it is none.
pub(crate) fn read(wanted: Vec<Wanted>) -> Result<Vec<Disposition>, Problem> {
    let mut taken = BTreeSet::new();
    let count = collect(&wanted, 1, &mut taken)?;
    if count > MOST {
        return Err(invalid(format!("there are more than {MOST} dispositions")));
    }
    let mut next = taken.last().copied().unwrap_or(0);
    Ok(number(wanted, &mut next))
}

/// The list of the contract.
pub(crate) fn list(tree: &[Disposition]) -> Value {
    json!({"count": tree.len(), "rows": tree})
}

/// The names along a path from the top; `None` when it is no path of the tree.
pub(crate) fn names(tree: &[Disposition], path: &[i64]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let found = tree.iter().find(|disposition| disposition.id == *first)?;
    let mut names = vec![found.name.clone()];
    if !rest.is_empty() {
        names.extend(self::names(&found.children, rest)?);
    }
    Some(names)
}

fn collect(wanted: &[Wanted], level: usize, taken: &mut BTreeSet<i64>) -> Result<usize, Problem> {
    let mut count = wanted.len();
    for disposition in wanted {
        let name = disposition.name.trim();
        if level > LEVELS {
            return Err(invalid(format!("{name:?} stands deeper than three levels")));
        }
        if name.is_empty() || name.chars().count() > 80 || name.contains(char::is_control) {
            return Err(invalid(format!(
                "{name:?} is not a name of 1 to 80 letters"
            )));
        }
        if let Some(id) = disposition.id
            && !((1..=i64::from(i32::MAX)).contains(&id) && taken.insert(id))
        {
            return Err(invalid(format!(
                "{name:?} has the number {id}, which is not a free one"
            )));
        }
        count += collect(&disposition.children, level + 1, taken)?;
    }
    Ok(count)
}

fn number(wanted: Vec<Wanted>, next: &mut i64) -> Vec<Disposition> {
    wanted
        .into_iter()
        .map(|disposition| Disposition {
            id: disposition.id.unwrap_or_else(|| {
                *next += 1;
                *next
            }),
            name: disposition.name.trim().to_owned(),
            children: number(disposition.children, next),
        })
        .collect()
}

fn invalid(sentence: String) -> Problem {
    Problem::invalid_setting().because(format!("dispositions: {sentence}."))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{default_tree, names, read};

    #[test]
    fn a_path_is_followed_from_the_top() {
        let tree = default_tree();
        assert_eq!(
            names(&tree, &[1, 2, 3]).expect("a path"),
            ["Sale", "Order", "New order"]
        );
        for path in [&[][..], &[2], &[1, 3], &[1, 2, 3, 4], &[99]] {
            assert_eq!(names(&tree, path), None, "{path:?}");
        }
    }

    #[test]
    fn a_tree_gets_its_numbers_and_at_most_three_levels() {
        let parse = |rows: Value| read(serde_json::from_value(rows).expect("a tree"));
        let tree =
            parse(json!([{"name": "A", "id": 7, "children": [{"name": "B"}]}, {"name": "C"}]))
                .expect("allowed");
        assert_eq!((tree[0].children[0].id, tree[1].id), (8, 9));
        for (rows, word) in [
            (
                json!([{"name": "1", "children": [{"name": "2", "children": [{"name": "3", "children": [{"name": "4"}]}]}]}]),
                "deeper",
            ),
            (json!([{"name": " "}]), "name"),
            (
                json!([{"name": "a", "id": 1}, {"name": "b", "id": 1}]),
                "number",
            ),
        ] {
            let sentence = parse(rows).expect_err("refused").detail;
            assert!(sentence.contains(word), "{sentence}");
        }
    }
}
