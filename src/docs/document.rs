//! Reads a page: its Markdown as the pieces that HTML and a terminal show.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

use super::files::File;
use super::links::Target;

/// A piece of a page.
#[derive(Debug, Clone)]
pub(super) enum Piece<'t> {
    /// Anything but the pieces below. No HTML and no image are among them, and each heading has its id.
    Event(Event<'t>),
    /// The start of a link.
    Link(Target<'t>),
    /// The end of a link.
    LinkEnd,
    /// A file that is shown in full: in the page it is a link to it, alone in its paragraph.
    File(&'static File),
}

/// Reads the Markdown of a page.
pub(super) fn read(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut ids = Ids::default();
    // Where the open heading and the open paragraph begin.
    let (mut heading, mut paragraph) = (0, 0);
    let mut is_in_link = false;
    for event in TextMergeStream::new(Parser::new_ext(text, Options::ENABLE_TABLES)) {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => push(&mut pieces, Event::Text(text)),
            Event::Start(Tag::HtmlBlock) => push(&mut pieces, Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => push(&mut pieces, Event::End(TagEnd::Paragraph)),
            // The text for those who don't see the image stays.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            Event::Start(Tag::Link { dest_url, .. }) => {
                let target = Target::of(dest_url);
                is_in_link = target.is_some();
                pieces.extend(target.map(Piece::Link));
            }
            Event::End(TagEnd::Link) => {
                if std::mem::take(&mut is_in_link) {
                    pieces.push(Piece::LinkEnd);
                }
            }
            Event::Start(Tag::Paragraph) => {
                paragraph = pieces.len();
                push(&mut pieces, event);
            }
            Event::End(TagEnd::Paragraph) => match lone_file(&pieces[paragraph..]) {
                Some(file) => {
                    pieces.truncate(paragraph);
                    pieces.push(Piece::File(file));
                }
                None => push(&mut pieces, event),
            },
            Event::Start(Tag::Heading { .. }) => {
                heading = pieces.len();
                push(&mut pieces, event);
            }
            Event::End(TagEnd::Heading(_)) => {
                let unique = ids.next(&plain_text(&pieces[heading..]));
                if let Piece::Event(Event::Start(Tag::Heading { id, .. })) = &mut pieces[heading] {
                    *id = Some(unique.into());
                }
                push(&mut pieces, event);
            }
            event => push(&mut pieces, event),
        }
    }
    pieces
}

fn push<'t>(pieces: &mut Vec<Piece<'t>>, event: Event<'t>) {
    pieces.push(Piece::Event(event));
}

/// Returns the file that a paragraph shows: the paragraph, whose end is missing yet, is one link to it.
fn lone_file(paragraph: &[Piece]) -> Option<&'static File> {
    let [
        _,
        Piece::Link(Target::File(file)),
        text @ ..,
        Piece::LinkEnd,
    ] = paragraph
    else {
        return None;
    };
    let is_one = !text.iter().any(|piece| matches!(piece, Piece::LinkEnd));
    is_one.then_some(*file)
}

/// Returns the text of pieces without its emphasis.
pub(super) fn plain_text(pieces: &[Piece]) -> String {
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Event(Event::Text(text) | Event::Code(text)) => Some(&**text),
        Piece::Event(Event::SoftBreak | Event::HardBreak) => Some(" "),
        _ => None,
    });
    texts.collect()
}

/// The ids of a page's headings, made as GitHub makes them.
#[derive(Debug, Default)]
struct Ids(Vec<String>);

impl Ids {
    fn next(&mut self, heading: &str) -> String {
        let lower = heading.trim().to_lowercase();
        let letters = lower.chars().filter_map(|char| match char {
            ' ' => Some('-'),
            '-' | '_' => Some(char),
            _ => char.is_alphanumeric().then_some(char),
        });
        let id: String = letters.collect();
        let mut unique = id.clone();
        let mut number = 0;
        while self.0.contains(&unique) {
            number += 1;
            unique = format!("{id}-{number}");
        }
        self.0.push(unique.clone());
        unique
    }
}

/// Cuts the pieces into those before the list of contents, the list, and those after it. Its heading is in none of them.
pub(super) fn split_contents<'p, 't>(pieces: &'p [Piece<'t>]) -> [&'p [Piece<'t>]; 3] {
    let is_heading =
        |piece: &Piece| matches!(piece, Piece::Event(Event::Start(Tag::Heading { .. })));
    let is_contents = |piece: &Piece| matches!(piece, Piece::Event(Event::Start(Tag::Heading { id: Some(id), .. })) if **id == *"contents");
    let Some(start) = pieces.iter().position(is_contents) else {
        return [pieces, &[], &[]];
    };
    let (before, rest) = pieces.split_at(start);
    let is_end = |piece: &Piece| matches!(piece, Piece::Event(Event::End(TagEnd::Heading(_))));
    let list = rest
        .iter()
        .position(is_end)
        .map_or(rest.len(), |end| end + 1);
    let rest = &rest[list..];
    let end = rest.iter().position(is_heading).unwrap_or(rest.len());
    let (contents, after) = rest.split_at(end);
    [before, contents, after]
}
