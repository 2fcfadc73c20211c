//! How an ACME server is spoken to: within limits of ours, by TLS alone, and nowhere else than where it says itself.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

use crate::failure::Outcome;
use crate::trust;

/// One question may take this long, from the look-up of the name to the answer's end. Some servers issue before they answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Largest answer that is read, in bytes: more than the largest chain that is taken.
const MOST_ANSWER_BYTES: usize = 128 * 1024;
/// A longer `Retry-After` is not believed, in seconds. Without it the ACME library asks again at its own pace.
const MOST_RETRY_AFTER: u64 = 24 * 60 * 60;

type Asked = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

/// The client of one order.
pub(super) struct Client {
    http: reqwest::Client,
    answer_time: Duration,
}

impl Client {
    /// Towards a server whose certificate the authorities in `ca` vouch for, without a file those of the system.
    pub(super) fn new(ca: Option<&Path>) -> Outcome<Self> {
        let mut tls = trust::client(ca)?;
        std::sync::Arc::make_mut(&mut tls).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .build()?;
        Ok(Self { http, answer_time: ANSWER_TIME })
    }
}

impl HttpClient for Client {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Asked {
        let (http, time) = (self.http.clone(), self.answer_time);
        Box::pin(async move {
            let answer = tokio::time::timeout(time, ask(&http, request));
            answer.await.unwrap_or_else(|_| Err(complaint(format!("it did not answer within {} s", time.as_secs()))))
        })
    }
}

async fn ask(http: &reqwest::Client, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
    let request = request.map(reqwest::Body::wrap).try_into().map_err(failed)?;
    let mut answer = http.execute(request).await.map_err(failed)?;
    let (mut parts, ()) = Response::new(()).into_parts();
    (parts.status, parts.headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    if parts.status.is_redirection() {
        return Err(complaint(format!("it answered {}: name its directory where it really is", parts.status)));
    }
    believe(&mut parts.headers);
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > MOST_ANSWER_BYTES {
            return Err(complaint(format!("its answer is longer than {MOST_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(BytesResponse { parts, body: Box::new(Bytes::from(body)) })
}

/// The library adds the seconds of this header to the time of day, whatever they are.
fn believe(headers: &mut HeaderMap) {
    let seconds = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse::<u64>().ok());
    if seconds.is_some_and(|seconds| seconds > MOST_RETRY_AFTER) {
        headers.remove(RETRY_AFTER);
    }
}

/// Addresses at an ACME server may be secrets: none is told (INV-24).
fn failed(error: reqwest::Error) -> Error {
    Error::Other(Box::new(error.without_url()))
}

fn complaint(words: String) -> Error {
    Error::Other(format!("the ACME server cannot be used: {words}").into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::KeyPair;
    use rustls::ServerConfig;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Longer than a handshake on a busy machine takes.
    const SHORT: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn an_answer_that_only_trickles_is_given_up() {
        let key = KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), own.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = config.with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let trickle = async {
            let socket = listener.accept().await.unwrap().0;
            let mut stream = TlsAcceptor::from(Arc::new(config)).accept(socket).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n").await.unwrap();
            loop {
                stream.write_all(b" ").await.unwrap();
                stream.flush().await.unwrap();
                tokio::time::sleep(SHORT / 100).await;
            }
        };
        let client = Client { answer_time: SHORT, ..Client::new(Some(file.path())).unwrap() };
        let question = Request::get(format!("https://localhost:{port}/dir?token=Geheim")).body(BodyWrapper::default());
        let asked = async { client.request(question.unwrap()).await.err().unwrap().to_string() };
        tokio::select! {
            () = trickle => {}
            said = asked => assert_eq!(said, "the ACME server cannot be used: it did not answer within 2 s"),
        }
    }

    #[test]
    fn only_a_time_that_a_server_can_mean_is_believed() {
        for (after, kept) in
            [("0", true), ("86400", true), ("86401", false), ("18446744073709551615", false), ("soon", true)]
        {
            let mut headers = HeaderMap::from_iter([(RETRY_AFTER, after.parse().unwrap())]);
            believe(&mut headers);
            assert_eq!(headers.contains_key(RETRY_AFTER), kept, "{after}");
        }
    }
}
