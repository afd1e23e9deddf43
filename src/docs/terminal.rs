//! A page as text for a terminal or a pager.
//!
//! Code begins in the first column and is never wrapped, so that it can be copied as it is. Where the text has no styles,
//! headings and code have the marks of Markdown instead.

use std::iter::Peekable;
use std::slice::Iter;

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use super::document::{Piece, read};
use super::links::Target;
use super::styled::{Style, Styled};
use super::table;

/// What a terminal can show.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// In characters.
    pub width: usize,
    /// Whether it shows bold and coloured text.
    pub has_styles: bool,
}

impl Terminal {
    /// Returns the Markdown of a page as text.
    #[must_use]
    pub fn print(self, text: &str) -> String {
        let pieces = read(text);
        let mut printer = Printer {
            terminal: self,
            pieces: pieces.iter().peekable(),
            out: String::new(),
            indent: String::new(),
            bullet: None,
            numbers: Vec::new(),
        };
        printer.blocks();
        printer.out
    }
}

const BOLD: Style = Style {
    is_bold: true,
    is_code: false,
};
const CODE: Style = Style {
    is_bold: false,
    is_code: true,
};

struct Printer<'p, 't> {
    terminal: Terminal,
    pieces: Peekable<Iter<'p, Piece<'t>>>,
    out: String,
    /// What each line begins with.
    indent: String,
    /// What the next line begins with instead: the sign of a list item.
    bullet: Option<String>,
    /// For each open list the number of its next item; `None` where its items have none.
    numbers: Vec<Option<u64>>,
}

impl Printer<'_, '_> {
    /// Prints blocks up to the end of the one that holds them.
    fn blocks(&mut self) {
        while let Some(piece) = self.pieces.peek() {
            if is_inline(piece) {
                let text = self.inline();
                self.wrapped(&text);
                continue;
            }
            match self.pieces.next() {
                Some(Piece::File(file)) => {
                    self.gap();
                    let mut title = Styled::default();
                    title.push(file.name, BOLD);
                    title.push(":", BOLD);
                    self.line(&title);
                    self.code("", file.text);
                }
                Some(Piece::Event(Event::Start(tag))) => self.block(tag),
                Some(Piece::Event(Event::Rule)) => {
                    self.gap();
                    self.out += "---\n";
                }
                Some(Piece::Event(Event::End(_))) | None => return,
                Some(_) => {}
            }
        }
    }

    fn block(&mut self, tag: &Tag) {
        match tag {
            Tag::Heading { level, .. } => {
                self.gap();
                let mut heading = Styled::default();
                if !self.terminal.has_styles {
                    heading.push(&"#".repeat(*level as usize), Style::default());
                    heading.push(" ", Style::default());
                }
                heading.append(&self.inline());
                heading.make_bold();
                self.line(&heading);
                self.blocks();
            }
            Tag::Paragraph => {
                self.gap();
                self.blocks();
            }
            Tag::BlockQuote(_) => {
                self.gap();
                self.indented("> ", Self::blocks);
            }
            Tag::List(first) => {
                if self.numbers.is_empty() {
                    self.gap();
                }
                self.numbers.push(*first);
                self.blocks();
                self.numbers.pop();
            }
            Tag::Item => {
                if let Some(Piece::Event(Event::Start(Tag::Paragraph))) = self.pieces.peek() {
                    self.gap();
                }
                let sign = match self.numbers.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.bullet = Some(format!("{}{sign}", self.indent));
                self.indented(&" ".repeat(sign.len()), Self::blocks);
                self.bullet = None;
            }
            Tag::CodeBlock(kind) => {
                let mut code = String::new();
                while let Some(Piece::Event(Event::Text(text))) = self.pieces.peek() {
                    code += text;
                    self.pieces.next();
                }
                self.gap();
                let language = match kind {
                    CodeBlockKind::Fenced(information) => information.split(' ').next(),
                    CodeBlockKind::Indented => None,
                };
                self.code(language.unwrap_or_default(), &code);
                self.blocks();
            }
            Tag::Table(_) => {
                let mut rows = self.rows();
                rows.first_mut()
                    .into_iter()
                    .flatten()
                    .for_each(Styled::make_bold);
                self.gap();
                for line in table::lines(&rows, self.width()) {
                    self.line(&line);
                }
            }
            // Only what is read has an end to be read.
            _ => self.blocks(),
        }
    }

    /// Prints with more in front of each line.
    fn indented(&mut self, more: &str, print: impl FnOnce(&mut Self)) {
        let length = self.indent.len();
        self.indent += more;
        print(self);
        self.indent.truncate(length);
    }

    /// Reads the text up to the next start or end of a block.
    fn inline(&mut self) -> Styled {
        let mut text = Styled::default();
        let mut style = Style::default();
        // Where open links lead.
        let mut links = Vec::new();
        while let Some(piece) = self.pieces.next_if(|piece| is_inline(piece)) {
            match piece {
                Piece::Link(target) => links.push(reference(target)),
                Piece::LinkEnd => {
                    let reference = links.pop().flatten();
                    if let Some(reference) = reference.filter(|to| !text.to_plain().ends_with(to)) {
                        text.push(&format!(" ({reference})"), style);
                    }
                }
                Piece::Event(event) => match event {
                    Event::Text(part) => text.push(part, style),
                    Event::Code(part) => self.push_code(&mut text, part, style),
                    Event::SoftBreak => text.push(" ", style),
                    Event::HardBreak => text.push("\n", style),
                    Event::Start(Tag::Strong) => style.is_bold = true,
                    Event::End(TagEnd::Strong) => style.is_bold = false,
                    _ => {}
                },
                Piece::File(_) => {}
            }
        }
        text
    }

    fn push_code(&self, text: &mut Styled, code: &str, style: Style) {
        if self.terminal.has_styles {
            let is_code = true;
            text.push(code, Style { is_code, ..style });
        } else {
            text.push(&format!("`{code}`"), style);
        }
    }

    /// Reads the cells of a table, whose start has been read, up to its end.
    fn rows(&mut self) -> Vec<Vec<Styled>> {
        let mut rows: Vec<Vec<Styled>> = Vec::new();
        while let Some(piece) = self.pieces.next() {
            match piece {
                Piece::Event(Event::Start(Tag::TableHead | Tag::TableRow)) => rows.push(Vec::new()),
                Piece::Event(Event::Start(Tag::TableCell)) => {
                    let cell = self.inline();
                    if let Some(row) = rows.last_mut() {
                        row.push(cell);
                    }
                }
                Piece::Event(Event::End(TagEnd::Table)) => break,
                _ => {}
            }
        }
        rows
    }

    /// The width that the indent leaves.
    fn width(&self) -> usize {
        self.terminal.width.saturating_sub(self.indent.len())
    }

    fn wrapped(&mut self, text: &Styled) {
        for line in text.wrap(self.width()) {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &Styled) {
        let start = self.bullet.take().unwrap_or_else(|| self.indent.clone());
        self.out += &start;
        self.out += &if self.terminal.has_styles {
            line.to_terminal()
        } else {
            line.to_plain()
        };
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    fn code(&mut self, language: &str, code: &str) {
        // A list item that begins with code.
        if let Some(bullet) = self.bullet.take() {
            self.out += bullet.trim_end();
            self.out.push('\n');
        }
        if !self.terminal.has_styles {
            let parts = ["```", language, "\n", code, "```\n"];
            self.out.extend(parts);
            return;
        }
        for line in code.lines() {
            let mut styled = Styled::default();
            styled.push(line, CODE);
            self.out += &styled.to_terminal();
            self.out.push('\n');
        }
    }

    /// Separates a block from what is before it, by an empty line.
    fn gap(&mut self) {
        if self.bullet.is_none() && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

/// Returns whether a piece is part of a text, not of the blocks that hold texts.
fn is_inline(piece: &Piece) -> bool {
    match piece {
        Piece::Link(_) | Piece::LinkEnd => true,
        Piece::File(_) => false,
        Piece::Event(event) => matches!(
            event,
            Event::Text(_)
                | Event::Code(_)
                | Event::SoftBreak
                | Event::HardBreak
                | Event::Start(Tag::Emphasis | Tag::Strong)
                | Event::End(TagEnd::Emphasis | TagEnd::Strong)
        ),
    }
}

/// Returns what is shown behind a link; `None`: its text says enough.
fn reference(target: &Target) -> Option<String> {
    match target {
        Target::Web(address) => Some(address.to_string()),
        Target::Page(page, _) => Some(format!("jobdeck docs {}", page.name)),
        Target::File(file) => Some(format!("jobdeck docs {}", file.name)),
        Target::Heading(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(has_styles: bool, text: &str, expected: &str) {
        let terminal = Terminal {
            width: 40,
            has_styles,
        };
        assert_eq!(terminal.print(text), expected, "{text}");
    }

    #[test]
    fn without_styles_headings_and_code_have_marks() {
        check(
            false,
            "# The *title*\n\nA `word` and **more** words than fit into\none line.\n\n## Next\n\n```sh skip=root\nsudo  x \\\n  y\n```\n\nEnd.\n",
            "# The title\n\nA `word` and more words than fit into\none line.\n\n## Next\n\n```sh\nsudo  x \\\n  y\n```\n\nEnd.\n",
        );
    }

    #[test]
    fn with_styles_headings_are_bold_and_code_is_coloured() {
        check(
            true,
            "# The `title`\n\nA `word`.\n\n```\nls\n```\n",
            "\x1b[0;1mThe \x1b[0;1;36mtitle\x1b[0m\n\nA \x1b[0;36mword\x1b[0m.\n\n\x1b[0;36mls\x1b[0m\n",
        );
    }

    #[test]
    fn lists_have_signs_and_hang() {
        check(
            false,
            "Text:\n\n- one two three four five six seven eight nine ten\n- b\n  - c\n\nEnd\n\n3. x\n4. y\n",
            "Text:\n\n- one two three four five six seven\n  eight nine ten\n- b\n  - c\n\nEnd\n\n3. x\n4. y\n",
        );
        check(
            false,
            "- a\n\n  b\n\n- c\n\n- ```\n  d\n  ```\n",
            "- a\n\n  b\n\n- c\n-\n```\nd\n```\n",
        );
        check(false, "> a\n> b\n\n---\n", "> a b\n\n---\n");
    }

    #[test]
    fn a_link_shows_where_it_leads() {
        check(
            false,
            "[a](https://x.org) <https://y.org> [b](#b) [c](query.md#d) [d](nothing.md)\n",
            "a (https://x.org) https://y.org b c\n(jobdeck docs query) d\n",
        );
    }

    #[test]
    fn a_file_is_shown_in_place() {
        let text = "Before:\n\n[the unit](deploy/jobdeck.service)\n\nAfter [it](deploy/jobdeck.service).\n";
        let printed = Terminal {
            width: 80,
            has_styles: false,
        }
        .print(text);
        let file = super::super::files::File::find("deploy/jobdeck.service").unwrap();
        assert_eq!(
            printed,
            format!(
                "Before:\n\ndeploy/jobdeck.service:\n```\n{}```\n\nAfter it (jobdeck docs deploy/jobdeck.service).\n",
                file.text
            )
        );
    }

    #[test]
    fn a_table_is_aligned() {
        check(
            false,
            "a\n\n| b | c |\n| --- | --- |\n| `d` | e f |\n\ng\n",
            "a\n\nb    c\n---  ---\n`d`  e f\n\ng\n",
        );
    }
}
