//! `limit`, `offset`, `sort`, `fields` and field filters of lists.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::problem::Problem;

/// How a list is asked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Listing {
    limit: Option<usize>,
    offset: usize,
    /// Field, and whether descending.
    sort: Option<(String, bool)>,
    fields: Option<Vec<String>>,
    filters: Vec<(String, String)>,
}

impl Listing {
    pub(crate) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let mut listing = Self::default();
        let number = |name: &str, value: &str| {
            value.parse().map_err(|_| {
                Problem::malformed_query().because(format!("{name} is not a whole number."))
            })
        };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "limit" => listing.limit = Some(number("limit", &value)?),
                "offset" => listing.offset = number("offset", &value)?,
                "sort" => {
                    listing.sort = Some(match value.strip_prefix('-') {
                        Some(field) => (field.to_owned(), true),
                        None => (value.into_owned(), false),
                    });
                }
                "fields" => {
                    listing.fields = Some(value.split(',').map(|f| f.trim().to_owned()).collect());
                }
                _ => listing
                    .filters
                    .push((name.into_owned(), value.into_owned())),
            }
        }
        Ok(listing)
    }

    /// `{count, rows}`: `count` is of all that fit the filters.
    pub(crate) fn apply(&self, mut rows: Vec<Value>) -> Value {
        rows.retain(|row| {
            self.filters
                .iter()
                .all(|(field, wanted)| row.get(field).is_none_or(|v| as_text(v) == *wanted))
        });
        if let Some((field, descending)) = &self.sort {
            rows.sort_by(|a, b| {
                let order = compare(&a[field.as_str()], &b[field.as_str()]);
                if *descending { order.reverse() } else { order }
            });
        }
        let count = rows.len();
        let rows: Vec<Value> = rows
            .into_iter()
            .skip(self.offset)
            .take(self.limit.unwrap_or(usize::MAX))
            .map(|row| self.narrow(row))
            .collect();
        json!({"count": count, "rows": rows})
    }

    fn narrow(&self, row: Value) -> Value {
        match (row, &self.fields) {
            (Value::Object(mut row), Some(fields)) => {
                row.retain(|name, _| fields.contains(name));
                Value::Object(row)
            }
            (row, _) => row,
        }
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => as_text(a).cmp(&as_text(b)),
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_filtered_sorted_cut_and_narrowed() {
        let rows = || {
            vec![
                json!({"id": 1, "name": "b", "role": "agent"}),
                json!({"id": 10, "name": "a", "role": "agent"}),
                json!({"id": 9, "name": "c", "role": "user"}),
            ]
        };
        for (query, expected) in [
            (
                "role=agent&fields=id",
                json!({"count": 2, "rows": [{"id": 1}, {"id": 10}]}),
            ),
            (
                "sort=-id&limit=2&fields=id",
                json!({"count": 3, "rows": [{"id": 10}, {"id": 9}]}),
            ),
            (
                "sort=name&offset=1&limit=1&fields=name",
                json!({"count": 3, "rows": [{"name": "b"}]}),
            ),
            ("offset=99", json!({"count": 3, "rows": []})),
        ] {
            let listing = Listing::read(Some(query)).expect("a valid query");
            assert_eq!(listing.apply(rows()), expected, "{query}");
        }
        assert!(Listing::read(Some("limit=many")).is_err());
    }
}
