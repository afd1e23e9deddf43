//! A page of Markdown as blocks, headings, links, tables and names, each with its line.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A page, read once.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The path of the file from the root of the repository.
    pub path: String,
    pub text: String,
    pub headings: Vec<Heading>,
    pub blocks: Vec<Block>,
    pub links: Vec<Link>,
    pub images: Vec<Link>,
    /// Code within lines.
    pub codes: Vec<Code>,
    pub tables: Vec<Table>,
    /// Text outside of code, in pieces.
    pub prose: Vec<Code>,
    /// What no page may have: raw HTML, indented code, unknown words after the language of a block.
    pub faults: Vec<String>,
    /// The lines that no block of code and no table has.
    pub prose_lines: Vec<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub line: usize,
    pub level: usize,
    pub text: String,
}

impl Heading {
    /// The anchor that GitHub gives a heading: lower case, hyphens for spaces, without other punctuation.
    pub(crate) fn anchor(&self) -> String {
        let letters = self.text.to_lowercase();
        let letters = letters.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter => letter.is_alphanumeric().then_some(letter),
        });
        letters.collect()
    }
}

/// A block of code.
#[derive(Debug)]
pub(crate) struct Block {
    /// The line of the fence.
    pub line: usize,
    pub language: String,
    /// Why the block is not run.
    pub skip: Option<String>,
    pub text: String,
    /// The heading above.
    pub heading: String,
    /// How many headings of level 2 are above.
    pub section: usize,
    /// Whether this is what the `sh` block before prints.
    pub is_output: bool,
}

impl Block {
    pub(crate) fn is_shell(&self) -> bool {
        self.language == "sh"
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    pub line: usize,
    pub target: String,
    pub text: String,
    /// How many lists the link is in.
    pub depth: usize,
    /// How many headings are above.
    pub headings: usize,
}

#[derive(Debug)]
pub(crate) struct Code {
    pub line: usize,
    pub text: String,
}

/// The cells of a table, row by row; the first row is the head.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub line: usize,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Whether the head has these cells.
    pub(crate) fn has_head(&self, cells: &[&str]) -> bool {
        self.rows[0].iter().eq(cells)
    }
}

/// What came before a block of code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Shell,
    ShellAndColon,
    Other,
}

impl Page {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut reader = Reader {
            page: Self {
                path: path.to_owned(),
                text: text.to_owned(),
                ..Self::default()
            },
            starts: line_starts(text),
            before: Before::Other,
            buffer: String::new(),
            link: None,
            depth: 0,
            is_in_code: false,
            excepted: Vec::new(),
        };
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let line = reader.line(range.start);
            let last = reader.line(range.end.saturating_sub(1).max(range.start));
            reader.read(event, line, last);
        }
        let lines = 1..=text.lines().count();
        let excepted = reader.excepted;
        reader.page.prose_lines = lines
            .filter(|line| !excepted.iter().any(|range| range.contains(line)))
            .collect();
        reader.page
    }

    /// A fault at a line.
    pub(crate) fn fault(&self, line: usize, problem: impl std::fmt::Display) -> String {
        format!("{}:{line}: {problem}", self.path)
    }

    /// Whether a heading has this anchor.
    pub(crate) fn has_anchor(&self, anchor: &str) -> bool {
        self.headings
            .iter()
            .any(|heading| heading.anchor() == anchor)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let ends = text.match_indices('\n').map(|(index, _)| index + 1);
    std::iter::once(0).chain(ends).collect()
}

/// Collects what a page has.
struct Reader {
    page: Page,
    starts: Vec<usize>,
    before: Before,
    /// The text of the heading, paragraph or cell that is being read.
    buffer: String,
    link: Option<Link>,
    depth: usize,
    is_in_code: bool,
    /// The lines of code blocks and tables.
    excepted: Vec<std::ops::RangeInclusive<usize>>,
}

impl Reader {
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn read(&mut self, event: Event<'_>, line: usize, last: usize) {
        match event {
            Event::Start(tag) => self.start(tag, line, last),
            Event::End(tag) => self.end(tag, line),
            Event::Text(text) if self.is_in_code => {
                let block = self.page.blocks.last_mut().unwrap();
                block.text += &text;
            }
            Event::Text(text) => {
                self.write(&text);
                self.page.prose.push(Code {
                    line,
                    text: text.into_string(),
                });
            }
            Event::Code(text) => {
                self.write(&text);
                self.page.codes.push(Code {
                    line,
                    text: text.into_string(),
                });
            }
            Event::SoftBreak | Event::HardBreak => self.write(" "),
            Event::Html(html) | Event::InlineHtml(html) => {
                let fault = self
                    .page
                    .fault(line, format!("raw HTML: {}", html.trim_end()));
                self.page.faults.push(fault);
            }
            _ => {}
        }
    }

    fn table(&mut self) -> &mut Table {
        self.page.tables.last_mut().unwrap()
    }

    fn write(&mut self, text: &str) {
        self.buffer += text;
        if let Some(link) = &mut self.link {
            link.text += text;
        }
    }

    fn start(&mut self, tag: Tag<'_>, line: usize, last: usize) {
        match tag {
            Tag::CodeBlock(kind) => {
                self.excepted.push(line..=last);
                self.is_in_code = true;
                self.start_block(&kind, line);
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(Link {
                    line,
                    target: dest_url.into_string(),
                    text: String::new(),
                    depth: self.depth,
                    headings: self.page.headings.len(),
                });
            }
            Tag::Table(_) => {
                self.excepted.push(line..=last);
                self.before = Before::Other;
                self.page.tables.push(Table {
                    line,
                    ..Table::default()
                });
            }
            Tag::TableHead | Tag::TableRow => self.table().rows.push(Vec::new()),
            Tag::Paragraph | Tag::TableCell => self.buffer.clear(),
            Tag::Heading { .. } => {
                self.buffer.clear();
                self.before = Before::Other;
            }
            Tag::List(_) => {
                self.depth += 1;
                self.before = Before::Other;
            }
            _ => {}
        }
    }

    fn start_block(&mut self, kind: &CodeBlockKind<'_>, line: usize) {
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.as_ref(),
            CodeBlockKind::Indented => {
                let fault = self
                    .page
                    .fault(line, "an indented block of code: use a fence");
                self.page.faults.push(fault);
                "text"
            }
        };
        let (language, attribute) = info.split_once(' ').unwrap_or((info, ""));
        let skip = attribute.strip_prefix("skip=").filter(|_| language == "sh");
        if !attribute.is_empty() && skip.is_none() {
            let problem = format!("`{attribute}` after the language of a block");
            self.page.faults.push(self.page.fault(line, problem));
        }
        let is_output = language != "sh" && self.before != Before::Other;
        let sections = self
            .page
            .headings
            .iter()
            .filter(|heading| heading.level == 2);
        let block = Block {
            line,
            language: language.to_owned(),
            skip: skip.map(str::to_owned),
            text: String::new(),
            heading: self
                .page
                .headings
                .last()
                .map_or_else(String::new, |heading| heading.text.clone()),
            section: sections.count(),
            is_output,
        };
        self.page.blocks.push(block);
    }

    fn end(&mut self, tag: TagEnd, line: usize) {
        match tag {
            TagEnd::CodeBlock => {
                self.is_in_code = false;
                let is_shell = self.page.blocks.last().is_some_and(Block::is_shell);
                self.before = if is_shell {
                    Before::Shell
                } else {
                    Before::Other
                };
            }
            TagEnd::Link => self.page.links.extend(self.link.take()),
            TagEnd::Image => self.page.images.extend(self.link.take()),
            TagEnd::TableCell => {
                let cell = self.buffer.trim().to_owned();
                self.table().rows.last_mut().unwrap().push(cell);
            }
            TagEnd::Paragraph => {
                let is_colon = self.buffer.trim_end().ends_with(':');
                self.before = match self.before {
                    Before::Shell if is_colon => Before::ShellAndColon,
                    _ => Before::Other,
                };
            }
            TagEnd::Heading(level) => self.page.headings.push(Heading {
                line,
                level: number(level),
                text: self.buffer.trim().to_owned(),
            }),
            TagEnd::List(_) => self.depth -= 1,
            _ => {}
        }
    }
}

fn number(level: HeadingLevel) -> usize {
    level as usize
}

#[test]
fn a_page_is_read_into_headings_blocks_links_and_names() {
    let text = "# A title\n\nSee [`here`](query.md#paths), `--db`.\n\n```sh\ntrue\n```\n\nIt prints:\n\n```json\n1\n```\n\n\
        ## Two: `words`, 3\n\n| a | `b` |\n| --- | --- |\n| `GET /x` | 2 |\n\n```sh skip=root\nsudo true\n```\n\n```toml\na = 1\n```\n\nNo colon.\n\n```ini\n[a]\n```\n";
    let page = Page::parse("page.md", text);
    let headings: Vec<_> = page
        .headings
        .iter()
        .map(|heading| (heading.line, heading.level, heading.anchor()))
        .collect();
    assert_eq!(
        headings,
        [
            (1, 1, "a-title".to_owned()),
            (15, 2, "two-words-3".to_owned())
        ]
    );
    let blocks: Vec<_> = page
        .blocks
        .iter()
        .map(|block| {
            (
                block.line,
                block.language.as_str(),
                block.skip.as_deref(),
                block.is_output,
                block.section,
            )
        })
        .collect();
    assert_eq!(
        blocks,
        [
            (5, "sh", None, false, 0),
            (11, "json", None, true, 0),
            (21, "sh", Some("root"), false, 1),
            (25, "toml", None, true, 1),
            (31, "ini", None, false, 1),
        ]
    );
    assert_eq!(
        (page.links[0].target.as_str(), page.links[0].text.as_str()),
        ("query.md#paths", "here")
    );
    assert!(page.tables[0].has_head(&["a", "b"]));
    assert_eq!(page.tables[0].rows[1], ["GET /x", "2"]);
    let codes: Vec<_> = page.codes.iter().map(|code| code.text.as_str()).collect();
    assert_eq!(codes, ["here", "--db", "words", "b", "GET /x"]);
    assert_eq!(page.faults, [""; 0]);
    assert!(
        page.prose_lines.contains(&9)
            && !page.prose_lines.contains(&12)
            && !page.prose_lines.contains(&17)
    );
}

#[test]
fn html_indented_code_and_unknown_attributes_are_found() {
    let page = Page::parse(
        "page.md",
        "a <b>bold</b>\n\n    code\n\n<div>\n\n```json title=x\n1\n```\n",
    );
    let expected = [
        "page.md:1: raw HTML: <b>",
        "page.md:1: raw HTML: </b>",
        "page.md:3: an indented block of code: use a fence",
        "page.md:5: raw HTML: <div>",
        "page.md:7: `title=x` after the language of a block",
    ];
    assert_eq!(page.faults, expected);
}
