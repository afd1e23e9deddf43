//! Where the links of a page lead.

use pulldown_cmark::CowStr;

use super::files::File;
use super::pages::Page;

/// Where a link leads.
#[derive(Debug, Clone)]
pub(super) enum Target<'t> {
    /// An address elsewhere, by `https:`.
    Web(CowStr<'t>),
    /// A page, at the heading with this id.
    Page(&'static Page, Option<String>),
    /// A heading of the same page.
    Heading(String),
    File(&'static File),
}

impl<'t> Target<'t> {
    /// Reads the address of a link, as GitHub follows it in `static/docs/`. `None` where this server has nothing there, such
    /// as a file of the repository.
    pub(super) fn of(address: CowStr<'t>) -> Option<Self> {
        if address.starts_with("https://") {
            return Some(Self::Web(address));
        }
        if let Some(id) = address.strip_prefix('#') {
            return Some(Self::Heading(id.to_owned()));
        }
        let name = address.strip_prefix("../../tests/").unwrap_or(&address);
        if let Some(file) = File::find(name) {
            return Some(Self::File(file));
        }
        let (path, id) = match address.split_once('#') {
            Some((path, id)) => (path, Some(id.to_owned())),
            None => (&*address, None),
        };
        let page = Page::find(path.strip_suffix(".md")?)?;
        Some(Self::Page(page, id))
    }

    /// Returns the address of a link in the page that the server serves, relative to that page.
    pub(super) fn href(self) -> CowStr<'t> {
        match self {
            Self::Web(address) => address,
            Self::Page(page, None) => page.name.into(),
            Self::Page(page, Some(id)) => format!("{}#{id}", page.name).into(),
            Self::Heading(id) => format!("#{id}").into(),
            Self::File(file) => file.name.into(),
        }
    }
}
