//! What an origin answers: whole files and ranges of them, never held in memory; slowly, or cut off, where it is to.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{
    HeaderMap, Method, Response, StatusCode,
    body::{Body, Bytes, Frame, SizeHint},
    header::{self, HeaderValue},
};
use labrig_plan::unit::{Rate, Size};
use tokio::time::{Instant, Sleep, sleep_until};

use super::entity::{Entity, Source};

/// Bytes handed to the connection at a time.
const CHUNK: u64 = 64 << 10;
/// How often a slow file goes on, about.
const TICK: Duration = Duration::from_millis(100);
/// How long a file that is cut off waits before the connection is closed: what was sent before has to be on its way.
const LAST_BYTES: Duration = Duration::from_millis(200);
/// A date long past: squid and wget then see a file that never changes.
const LAST_MODIFIED: HeaderValue = HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT");
/// Fresh for longer than any lab lives.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// A stretch of a file.
#[derive(Debug)]
pub(super) struct Content {
    source: Source,
    at: u64,
    end: u64,
    /// Where the connection is closed, if that is before the end.
    cut: u64,
    /// Bytes handed to the connection at a time.
    chunk: u64,
    /// How long to wait after each of them.
    tick: Duration,
    /// What is waited for before it goes on.
    pause: Option<Pin<Box<Sleep>>>,
}

/// An answer without content.
pub(super) fn refusal(status: StatusCode) -> Response<Content> {
    let mut response = Response::new(Content::new(Source::Nothing, 0, 0));
    *response.status_mut() = status;
    response
}

/// The answer to a request for a file; `entity` is `None` where there is no such file.
pub(super) fn answer(method: &Method, entity: Option<Entity>, request: &HeaderMap) -> Response<Content> {
    let Some(Entity { source, size, tag }) = entity else { return refusal(StatusCode::NOT_FOUND) };
    let mut response = Response::new(Content::new(Source::Nothing, 0, 0));
    if method != Method::GET && method != Method::HEAD {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::LAST_MODIFIED, LAST_MODIFIED);
    headers.insert(header::ETAG, tag.clone());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if request.get(header::IF_NONE_MATCH) == Some(&tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let range = request.get(header::RANGE).and_then(|range| range.to_str().ok()).and_then(Range::parse);
    let (status, at, end) = match range.map(|range| range.within(size)) {
        None => (StatusCode::OK, 0, size),
        Some(Some((at, end))) => (StatusCode::PARTIAL_CONTENT, at, end),
        Some(None) => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let range = match status {
        StatusCode::PARTIAL_CONTENT => Some(format!("bytes {at}-{}/{size}", end - 1)),
        StatusCode::RANGE_NOT_SATISFIABLE => Some(format!("bytes */{size}")),
        _ => None,
    };
    if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - at));
    *response.status_mut() = status;
    if method == Method::GET {
        *response.body_mut() = Content::new(source, at, end);
    }
    response
}

/// A single byte range (RFC 9110, section 14.1.2); several at once are answered with the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("bytes=")?.split_once('-')? {
            ("", last) => last.parse().ok().map(Self::Last),
            (first, "") => first.parse().ok().map(Self::From),
            (first, last) => {
                let (first, last) = (first.parse().ok()?, last.parse().ok()?);
                (first <= last).then_some(Self::Between(first, last))
            }
        }
    }

    /// First byte, and the one behind the last; `None` where no byte of the file is asked for.
    fn within(self, size: u64) -> Option<(u64, u64)> {
        let (at, end) = match self {
            Self::From(at) => (at, size),
            Self::Between(at, last) => (at, size.min(last.saturating_add(1))),
            Self::Last(count) => (size.saturating_sub(count), size),
        };
        (at < end).then_some((at, end))
    }
}

impl Content {
    fn new(source: Source, at: u64, end: u64) -> Self {
        Self { source, at, end, cut: u64::MAX, chunk: CHUNK, tick: Duration::ZERO, pause: None }
    }

    /// The same at a rate.
    pub(super) fn at_rate(self, rate: Rate) -> Self {
        let rate = rate.bytes_per_second().max(1) as f64;
        let chunk = (rate * TICK.as_secs_f64()).round().max(1.0);
        Self { chunk: chunk as u64, tick: Duration::from_secs_f64(chunk / rate), ..self }
    }

    /// The same, but the connection is closed before the file's byte at `size`.
    pub(super) fn cut_at(self, size: Size) -> Self {
        // The head, too, has to be on its way.
        Self { cut: size.bytes(), pause: Some(pause(Instant::now() + LAST_BYTES)), ..self }
    }

    /// Bytes that the head promises.
    fn len(&self) -> u64 {
        self.end - self.at
    }

    /// Bytes that will be sent.
    pub(super) fn to_send(&self) -> u64 {
        self.end.min(self.cut).saturating_sub(self.at)
    }

    /// What is waited for after the bytes that were handed over now.
    fn next_pause(&self, last: Option<Instant>) -> Option<Pin<Box<Sleep>>> {
        let now = Instant::now();
        if self.at == self.cut {
            return Some(pause(now + LAST_BYTES));
        }
        // From tick to tick, so that no delay adds up.
        (!self.tick.is_zero()).then(|| pause(last.unwrap_or(now) + self.tick))
    }
}

fn pause(until: Instant) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(until))
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let last = match &mut self.pause {
            None => None,
            Some(pause) => {
                ready!(pause.as_mut().poll(context));
                Some(pause.deadline())
            }
        };
        if self.at == self.end {
            return Poll::Ready(None);
        }
        if self.at >= self.cut {
            return Poll::Ready(Some(Err(io::Error::other("cut off, as the scenario asks for"))));
        }
        let (at, end) = (self.at, self.end.min(self.cut).min(self.at + self.chunk));
        self.at = end;
        self.pause = self.next_pause(last);
        Poll::Ready(Some(self.source.read(at, end).map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}

#[cfg(test)]
mod tests {
    use labrig_plan::origin_file::{self, BLOCK};

    use super::*;

    #[test]
    fn a_range_is_held_to_the_file() {
        for (text, expected) in [
            ("bytes=0-0", Some((0, 1))),
            ("bytes=10-", Some((10, 100))),
            ("bytes=-10", Some((90, 100))),
            ("bytes=-1000", Some((0, 100))),
            ("bytes=90-18446744073709551615", Some((90, 100))),
            ("bytes=100-", None),
            ("bytes=-0", None),
        ] {
            assert_eq!(Range::parse(text).map(|range| range.within(100)), Some(expected), "{text}");
        }
        for text in ["bytes=", "bytes=5-4", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    #[test]
    fn chunks_and_ranges_are_cut_from_the_same_bytes() {
        let size = Size::from_bytes(200_000);
        let whole = read("/blob", &size, None);
        assert_eq!(whole.len(), 200_000);
        assert_eq!(whole[..BLOCK], origin_file::block("/blob", 0));
        for (range, expected) in
            [("bytes=65530-65545", 65530..65546), ("bytes=-3", 199_997..200_000), ("bytes=33-", 33..200_000)]
        {
            assert_eq!(read("/blob", &size, Some(range)), whole[expected], "{range}");
        }
    }

    fn read(path: &str, size: &Size, range: Option<&'static str>) -> Vec<u8> {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert(header::RANGE, HeaderValue::from_static(range));
        }
        let mut body = answer(&Method::GET, Some(Entity::made(path, *size)), &headers).into_body();
        let mut bytes = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) =
            Pin::new(&mut body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
        {
            bytes.extend(frame.into_data().unwrap_or_default());
        }
        bytes
    }
}
