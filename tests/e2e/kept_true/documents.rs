//! Tables in Markdown, as far as our own documents have them.

/// A row of a table, without the table's head.
#[derive(Debug)]
pub struct Row {
    /// The nearest heading above.
    pub section: String,
    pub cells: Vec<String>,
}

/// All rows of all tables.
pub fn tables(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut section = String::new();
    let mut in_body = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            section = heading.trim_matches(|character| matches!(character, '#' | ' ')).to_owned();
        }
        match line.strip_prefix('|').and_then(|line| line.trim_end().strip_suffix('|')) {
            None => in_body = false,
            // Between the head and the body.
            Some(cells) if cells.chars().all(|character| matches!(character, '-' | '|' | ' ' | ':')) => in_body = true,
            Some(cells) if in_body => {
                let cells = cells.split('|').map(|cell| cell.trim().to_owned()).collect();
                rows.push(Row { section: section.clone(), cells });
            }
            Some(_) => {}
        }
    }
    rows
}

/// What stands between backticks.
pub fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
