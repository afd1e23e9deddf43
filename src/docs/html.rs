//! A page as HTML.

use std::borrow::Cow;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd, html};

use super::document::{Piece, plain_text, read, split_contents};
use super::files::File;

/// A page as HTML, in two parts.
#[derive(Debug)]
pub struct Rendered {
    /// The list of links to the headings; empty where the page has none.
    pub contents: String,
    /// Everything else.
    pub main: String,
}

/// Turns the Markdown of a page into HTML.
#[must_use]
pub fn render(text: &str) -> Rendered {
    let pieces = read(text);
    let [before, contents, after] = split_contents(&pieces);
    Rendered {
        contents: to_html(contents),
        main: to_html(before) + &to_html(after),
    }
}

/// Replaces the characters that HTML has for itself.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    Cow::Owned(text.replace('>', "&gt;").replace('"', "&quot;"))
}

fn to_html(pieces: &[Piece]) -> String {
    let mut events = Vec::new();
    // The end of the open heading: its link.
    let mut anchor = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::File(file) => events.push(Event::Html(shown(file).into())),
            Piece::Link(target) => events.push(Event::Start(Tag::Link {
                link_type: LinkType::Inline,
                dest_url: target.clone().href(),
                title: "".into(),
                id: "".into(),
            })),
            Piece::LinkEnd => events.push(Event::End(TagEnd::Link)),
            Piece::Event(event) => {
                if let Event::Start(Tag::Heading { id: Some(id), .. }) = event {
                    let heading = pieces[index..].split(|piece| {
                        matches!(piece, Piece::Event(Event::End(TagEnd::Heading(_))))
                    });
                    let name = heading.map(plain_text).next().unwrap_or_default();
                    anchor = anchor_of(id, &name);
                }
                let (opening, closing) = around(event);
                events.extend(opening.map(|html| Event::Html(html.into())));
                events.push(event.clone());
                events.extend(closing.map(|html| Event::Html(html.into())));
                if matches!(event, Event::End(TagEnd::Heading(_))) {
                    events.push(Event::Html(std::mem::take(&mut anchor).into()));
                }
            }
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    // An empty cell is no head of anything.
    out.replace("<th></th>", "<td></td>")
}

/// Returns the HTML before and after that of an event: what a script and the style sheet need around it.
fn around(event: &Event) -> (Option<&'static str>, Option<&'static str>) {
    match event {
        Event::Start(Tag::Heading { .. }) => (Some("<div class=\"heading\">"), None),
        Event::Start(Tag::Table(_)) => (Some("<div class=\"scroll\">"), None),
        Event::Start(Tag::CodeBlock(_)) => (Some("<div class=\"code\">"), None),
        Event::End(TagEnd::Table | TagEnd::CodeBlock) => (None, Some("</div>\n")),
        _ => (None, None),
    }
}

/// The link next to a heading, with which readers copy its address.
fn anchor_of(id: &str, name: &str) -> String {
    let (id, name) = (escape(id), escape(name));
    format!("<a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to: {name}\">#</a></div>\n")
}

/// A file in full, under a link to it.
fn shown(file: &File) -> String {
    let (name, text) = (escape(file.name), escape(file.text));
    format!(
        "<figure class=\"code\"><figcaption><a href=\"{name}\">{name}</a></figcaption>\n<pre><code>{text}</code></pre></figure>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(render(text).main.trim(), expected, "{text}");
    }

    #[test]
    fn html_is_text() {
        check(
            "<script>alert(1)</script>",
            "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
        );
        check(
            "a <img src=x onerror=alert(1)> b",
            "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>",
        );
        check(
            "<div>\n*a*\n</div>\n\nb",
            "<p>&lt;div&gt;\n*a*\n&lt;/div&gt;\n</p>\n<p>b</p>",
        );
        check("<!-- title -->", "<p>&lt;!-- title --&gt;</p>");
        check("`<b>`", "<p><code>&lt;b&gt;</code></p>");
        check(
            "```\"><script>\n</code><script>\n```",
            "<div class=\"code\">\n<pre><code class=\"language-&quot;&gt;&lt;script&gt;\">&lt;/code&gt;&lt;script&gt;\n</code></pre>\n</div>",
        );
    }

    #[test]
    fn a_link_leads_to_a_page_a_heading_a_file_or_https() {
        for (address, expected) in [
            ("query.md", Some("query")),
            ("query.md#paths", Some("query#paths")),
            ("#paths", Some("#paths")),
            (
                "https://example.org/a?b=c&d",
                Some("https://example.org/a?b=c&amp;d"),
            ),
            ("javascript:alert(1)", None),
            ("JavaScript:alert(1)", None),
            ("data:text/html,x", None),
            ("http://example.org", None),
            ("//example.org", None),
            ("nothing.md", None),
            ("../../src/lib.rs", None),
            ("deploy/nothing", None),
            ("/docs/query", None),
        ] {
            let html = match expected {
                Some(href) => format!("<p><a href=\"{href}\">x</a></p>"),
                None => "<p>x</p>".to_owned(),
            };
            check(&format!("[x]({address})"), &html);
        }
        check(
            "[x](https://a/\"onclick=\"b)",
            "<p><a href=\"https://a/%22onclick=%22b\">x</a></p>",
        );
        check("![x](https://example.org/a.png)", "<p>x</p>");
        check("<javascript:alert(1)>", "<p>javascript:alert(1)</p>");
    }

    #[test]
    fn a_heading_has_the_id_that_github_gives_it() {
        let ids = |text: &str| -> Vec<String> {
            let html = render(text).main;
            let parts = html.split(" id=\"").skip(1);
            parts
                .map(|part| part.split('"').next().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            ids("## `GET /jobs`, 1.5 *s*\n\n## Same\n\n## Same\n\n## Ärger_a - b\n"),
            ["get-jobs-15-s", "same", "same-1", "ärger_a---b"]
        );
        check(
            "## A <b>",
            "<div class=\"heading\">\n<h2 id=\"a-b\">A &lt;b&gt;</h2>\n<a class=\"anchor\" href=\"#a-b\" aria-label=\"Link to: A &lt;b&gt;\">#</a></div>",
        );
    }

    #[test]
    fn the_contents_are_apart() {
        let text =
            "# T\n\nFor.\n\n## Contents\n\n- [A](#a)\n  - [B](#b)\n\n## A\n\nText.\n\n### B\n";
        let page = render(text);
        assert_eq!(
            page.contents.replace('\n', ""),
            "<ul><li><a href=\"#a\">A</a><ul><li><a href=\"#b\">B</a></li></ul></li></ul>"
        );
        assert!(!page.main.contains("Contents"), "{}", page.main);
        assert!(page.main.contains("<p>Text.</p>"), "{}", page.main);
        assert!(page.main.contains("<h1 id=\"t\">T</h1>"), "{}", page.main);
        assert_eq!(render("# T\n\nText.\n").contents, "");
    }

    #[test]
    fn a_table_may_be_wider_than_the_page() {
        let html = render("| a | b |\n| --- | --- |\n| `x` | y |\n").main;
        assert!(html.starts_with("<div class=\"scroll\"><table>"), "{html}");
        assert!(html.contains("<td><code>x</code></td>"), "{html}");
        assert!(html.ends_with("</table>\n</div>\n"), "{html}");
        let html = render("| | b |\n| --- | --- |\n| x | &lt;th>&lt;/th> |\n").main;
        assert!(html.contains("<td></td><th>b</th>"), "{html}");
        assert!(html.contains("&lt;th&gt;&lt;/th&gt;"), "{html}");
    }
}
