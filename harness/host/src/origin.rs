//! The origin server: the web servers of a lab's upstream, all in one process.
//!
//! It listens on port 80 and 443 of every origin's addresses, so the address that was asked tells which origin is
//! meant, whatever the `Host` header says. TLS 1.2 is there beside 1.3 for guests as small as busybox. A file with a
//! fault misbehaves in the way that its scenario asks for.

mod authority;
mod content;
mod entity;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    convert::Infallible,
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
    path::{Component, Path, PathBuf},
    pin::Pin,
    rc::Rc,
};

use fs_err as fs;
use hyper::{Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use labrig_plan::{
    lab::{Origin, OriginFault, Repository},
    layout,
    unit::Size,
};
use nix::{
    libc,
    sys::socket::{setsockopt, sockopt},
};
use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslAcceptor},
};
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::{self, LocalSet},
};
use tokio_openssl::SslStream;

use self::{authority::Authority, content::Content, entity::Entity};

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// An origin server that could not start or go on.
#[derive(Debug, thiserror::Error)]
#[error("origin {place}: {kind}")]
pub struct OriginError {
    /// The origin, address or file that it is about.
    pub place: String,
    /// What is wrong.
    #[source]
    pub kind: OriginErrorKind,
}

/// What is wrong with an origin server.
#[derive(Debug, thiserror::Error)]
pub enum OriginErrorKind {
    /// The runtime, a socket or a file.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] ErrorStack),
}

/// Where the access log goes, one line a request: `METHOD SCHEME://HOST/PATH STATUS BYTES`, the status being `reset` for
/// a connection that is reset.
type Log = Rc<RefCell<dyn Write>>;

/// Serves all origins for as long as the process lives. Before it listens, it makes the lab's certificate
/// authority and writes its certificate to `authority`, as PEM.
///
/// # Errors
/// When the server cannot start. Errors of a single connection end that connection and are logged.
pub fn serve(origins: &[Origin], authority: &Path, log: impl Write + 'static) -> Result<Infallible, OriginError> {
    let place = |place: &str| {
        let place = place.to_owned();
        move |kind: OriginErrorKind| OriginError { place, kind }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| place("runtime")(e.into()))?;
    let log: Log = Rc::new(RefCell::new(log));
    let ca = Authority::new().map_err(|e| place("authority")(e.into()))?;
    LocalSet::new().block_on(&runtime, async {
        for origin in origins {
            let site = Rc::new(Site::of(origin));
            let tls = ca.server(origin).map_err(place(origin.name.as_str()))?;
            for address in [IpAddr::V4(origin.v4), IpAddr::V6(origin.v6)] {
                for port in [HTTP, HTTPS] {
                    let socket = SocketAddr::new(address, port);
                    let listener = match TcpListener::bind(socket).await {
                        Ok(listener) => listener,
                        // A kernel without IPv6 still makes a good upstream for everything else.
                        Err(e) if e.raw_os_error() == Some(libc::EAFNOSUPPORT) => continue,
                        Err(e) => return Err(place(&socket.to_string())(e.into())),
                    };
                    let tls = (port == HTTPS).then(|| tls.clone());
                    task::spawn_local(accept(listener, tls, Rc::clone(&site), Rc::clone(&log)));
                }
            }
        }
        // Last, so that whoever waits for this file finds the servers listening.
        fs::write(authority, ca.pem()).map_err(|e| place(&authority.display().to_string())(e.into()))?;
        std::future::pending().await
    })
}

/// One origin's content.
struct Site {
    name: String,
    files: BTreeMap<String, Size>,
    faults: BTreeMap<String, OriginFault>,
    /// The folder with its apt repository.
    repository: Option<PathBuf>,
    /// Artifacts of the lab by the paths that they are served under.
    artifacts: BTreeMap<String, String>,
}

/// The connection is reset in the place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("reset, as the scenario asks for")]
struct Reset;

async fn accept(listener: TcpListener, tls: Option<SslAcceptor>, site: Rc<Site>, log: Log) {
    loop {
        // Out of descriptors, or a connection that was reset while it waited: the listener itself is well.
        let Ok((stream, _)) = listener.accept().await else {
            task::yield_now().await;
            continue;
        };
        let (tls, site, log) = (tls.clone(), Rc::clone(&site), Rc::clone(&log));
        task::spawn_local(async move {
            if let Err(cause) = connection(stream, tls, &site, &log).await {
                note(&log, format_args!("{} connection ended: {cause}", site.name));
            }
        });
    }
}

async fn connection(stream: TcpStream, tls: Option<SslAcceptor>, site: &Rc<Site>, log: &Log) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = stream.as_fd().try_clone_to_owned()?;
    match tls {
        None => exchange(stream, &socket, "http", site, log).await,
        Some(tls) => {
            let mut stream = SslStream::new(Ssl::new(tls.context())?, stream)?;
            Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
            exchange(stream, &socket, "https", site, log).await
        }
    }
}

/// Answers the requests of one connection, `socket` being its TCP side.
async fn exchange<S>(stream: S, socket: &OwnedFd, scheme: &'static str, site: &Rc<Site>, log: &Log) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let response = site.answer(&request, scheme, log);
        if response.is_err() {
            reset_when_closed(socket);
        }
        async move { response }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)
}

/// Has the kernel reset the connection, with all that is under way, when its socket is closed: it is not to linger.
fn reset_when_closed(socket: &OwnedFd) {
    // A socket that cannot be told so is closed all the same.
    let _ = setsockopt(socket, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 });
}

impl Site {
    fn of(origin: &Origin) -> Self {
        Self {
            name: origin.name.to_string(),
            files: origin.files.clone(),
            faults: origin.faults.clone(),
            repository: origin.repository.as_ref().map(|_| layout::repository(&origin.name).into()),
            artifacts: origin.artifacts.clone(),
        }
    }

    /// The file that a client asks for by `path`.
    fn entity(&self, path: &str) -> Option<Entity> {
        if let Some(size) = self.files.get(path) {
            return Some(Entity::made(path, *size));
        }
        if let Some(artifact) = self.artifacts.get(path) {
            return Entity::on_disk(&Path::new(layout::ARTIFACTS).join(artifact), path);
        }
        let below = path.strip_prefix(Repository::PATH)?.strip_prefix('/')?;
        let below = percent_decode_str(below).decode_utf8().ok()?;
        // Nothing but what is below the repository.
        let is_plain = Path::new(&*below).components().all(|part| matches!(part, Component::Normal(_)));
        Entity::on_disk(&self.repository.as_ref().filter(|_| is_plain)?.join(&*below), path)
    }

    fn answer(&self, request: &Request<Incoming>, scheme: &str, log: &Log) -> Result<Response<Content>, Reset> {
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or(&self.name);
        let seen = format!("{} {scheme}://{host}{path}", request.method());
        let file = || content::answer(request.method(), self.entity(path), request.headers());
        let response = match self.faults.get(path) {
            None => file(),
            Some(OriginFault::Slow(rate)) => file().map(|content| content.at_rate(*rate)),
            Some(OriginFault::Truncate(size)) => file().map(|content| content.cut_at(*size)),
            Some(OriginFault::Status(status)) => {
                content::refusal(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Some(OriginFault::Reset) => {
                note(log, format_args!("{seen} reset 0"));
                return Err(Reset);
            }
        };
        note(log, format_args!("{seen} {} {}", response.status().as_u16(), response.body().to_send()));
        Ok(response)
    }
}

fn note(log: &Log, line: std::fmt::Arguments<'_>) {
    // A log that cannot be written is no reason to stop serving.
    let mut log = log.borrow_mut();
    let _ = writeln!(log, "{line}").and_then(|()| log.flush());
}
