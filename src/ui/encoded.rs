//! Texts that are compressed once, instead of for each answer.

use std::io::Write;
use std::sync::OnceLock;

use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, ContentEncoding, Encoding, Header,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use brotli::enc::BrotliEncoderParams;
use brotli::enc::backward_references::BrotliEncoderMode;
use flate2::Compression;
use flate2::write::GzEncoder;

/// A text as it is sent: as gzip, as Brotli once it has been compressed so, or as it is.
#[derive(Debug)]
pub(super) struct Encoded {
    plain: Bytes,
    /// Made when the first client requests it.
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl Encoded {
    pub(super) fn new(text: String) -> Self {
        Self {
            plain: text.into(),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        }
    }

    /// Ends a response with the text in the shortest form that the client takes. `Vary` is for the caller to set, since it
    /// belongs to responses without a body, too.
    pub(super) fn respond(
        &self,
        request: &HttpRequest,
        response: &mut HttpResponseBuilder,
    ) -> HttpResponse {
        let brotli = self.brotli.get();
        let supported: &[_] = match brotli {
            Some(_) => &[Encoding::brotli(), Encoding::gzip()],
            None => &[Encoding::gzip()],
        };
        let chosen = negotiated(request, supported);
        let text = match (chosen, brotli) {
            (Some(ContentEncoding::Brotli), Some(brotli)) => brotli.clone(),
            (Some(ContentEncoding::Gzip), _) => self.gzip(),
            _ => return response.body(self.plain.clone()),
        };
        let encoding = chosen.map_or("identity", |encoding| encoding.as_str());
        response
            .insert_header((CONTENT_ENCODING, encoding))
            .body(text)
    }

    /// Returns the text as gzip, as short as it gets: by a quarter shorter than what is compressed for each answer.
    fn gzip(&self) -> Bytes {
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            // Writing to a Vec can't fail.
            let _ = encoder.write_all(&self.plain);
            Bytes::from(encoder.finish().unwrap_or_default())
        };
        self.gzip.get_or_init(compress).clone()
    }

    /// Compresses the text as Brotli, from when on it is sent so: by a sixth shorter than gzip. As short as it gets takes
    /// a processor for milliseconds a kilobyte, too long for a request.
    ///
    /// # Errors
    ///
    /// The text could not be compressed; it is sent as gzip.
    pub(super) fn compress(&self) -> std::io::Result<()> {
        let parameters = BrotliEncoderParams {
            quality: 11,
            // The window is 256 kB, more than any text has.
            lgwin: 18,
            mode: BrotliEncoderMode::BROTLI_MODE_TEXT,
            size_hint: self.plain.len(),
            ..Default::default()
        };
        let mut compressed = Vec::new();
        brotli::BrotliCompress(&mut &*self.plain, &mut compressed, &parameters)?;
        self.brotli.get_or_init(|| compressed.into());
        Ok(())
    }
}

/// Returns whether a client takes Brotli.
pub(super) fn takes_brotli(request: &HttpRequest) -> bool {
    negotiated(request, &[Encoding::brotli()]) == Some(ContentEncoding::Brotli)
}

/// Returns the encoding that a client prefers among these, the shortest where it prefers none.
fn negotiated(request: &HttpRequest, supported: &[Encoding]) -> Option<ContentEncoding> {
    match AcceptEncoding::parse(request)
        .ok()?
        .negotiate(supported.iter())?
    {
        Encoding::Known(encoding) => Some(encoding),
        Encoding::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Encoded {
        pub(in super::super) fn plain(&self) -> &str {
            std::str::from_utf8(&self.plain).unwrap()
        }
    }

    use actix_web::body::to_bytes;
    use actix_web::http::header::ACCEPT_ENCODING;
    use actix_web::test::TestRequest;
    use flate2::read::GzDecoder;
    use std::io::Read;

    const TEXT: &str = "The same words, and the same words again.";

    /// The encoding and the body of an answer to a client that accepts `accepted`.
    async fn sent(text: &Encoded, accepted: &str) -> (Option<String>, Bytes) {
        let request = TestRequest::get().insert_header((ACCEPT_ENCODING, accepted));
        let response = text.respond(&request.to_http_request(), &mut HttpResponse::Ok());
        let encoding = response.headers().get(CONTENT_ENCODING);
        let encoding = encoding.map(|value| value.to_str().unwrap().to_owned());
        (encoding, to_bytes(response.into_body()).await.unwrap())
    }

    #[actix_web::test]
    async fn a_client_gets_the_encoding_that_it_prefers() {
        let text = Encoded::new(TEXT.to_owned());
        let (encoding, _) = sent(&text, "gzip, deflate, br, zstd").await;
        assert_eq!(encoding.as_deref(), Some("gzip"), "nothing is Brotli yet");
        text.compress().unwrap();
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("br", Some("br")),
            ("br;q=0.5, gzip", Some("gzip")),
            ("br;q=0, gzip", Some("gzip")),
            ("gzip", Some("gzip")),
            ("deflate", None),
            ("identity", None),
            ("br;q=0", None),
            ("", None),
            (";;", None),
        ] {
            let (encoding, body) = sent(&text, accepted).await;
            assert_eq!(encoding.as_deref(), expected, "{accepted}");
            let mut decoded = Vec::new();
            match expected {
                Some("br") => brotli::BrotliDecompress(&mut &*body, &mut decoded).unwrap(),
                Some(_) => _ = GzDecoder::new(&*body).read_to_end(&mut decoded).unwrap(),
                None => decoded = body.to_vec(),
            }
            assert_eq!(decoded, TEXT.as_bytes(), "{accepted}");
        }
    }
}
