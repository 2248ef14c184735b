//! TCP connections that a test can break: a server that is cut off sends no farewell.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Pulls the plug of one connection, instead of what would have been written next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plug {
    is_pulled: Arc<AtomicBool>,
}

impl Plug {
    pub(crate) fn pull(&self) {
        self.is_pulled.store(true, Ordering::Relaxed);
    }
}

/// Accepts connections together with their plugs.
pub(crate) struct BreakableListener(pub(crate) TcpListener);

impl Listener for BreakableListener {
    type Io = BreakableStream;
    type Addr = Plug;

    async fn accept(&mut self) -> (BreakableStream, Plug) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        let plug = Plug::default();
        (
            BreakableStream {
                stream,
                plug: plug.clone(),
            },
            plug,
        )
    }

    fn local_addr(&self) -> io::Result<Plug> {
        Ok(Plug::default())
    }
}

impl Connected<IncomingStream<'_, BreakableListener>> for Plug {
    fn connect_info(stream: IncomingStream<'_, BreakableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

pub(crate) struct BreakableStream {
    stream: TcpStream,
    plug: Plug,
}

impl AsyncRead for BreakableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for BreakableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.plug.is_pulled.load(Ordering::Relaxed) {
            // Without lingering, the system answers with a reset when the stream is dropped.
            self.stream.set_zero_linger()?;
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
