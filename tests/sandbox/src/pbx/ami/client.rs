//! The connection: requests with their answers, and events; made anew when it breaks.

use std::collections::HashMap;
use std::time::Duration;

use sidetone_profile::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::message::{Action, Message, NotAmi, Parser};

const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const RECONNECT: Duration = Duration::from_secs(2);

/// Where and as whom to connect.
#[derive(Clone, Debug)]
pub(crate) struct AmiAccount {
    pub(crate) address: String,
    pub(crate) user: String,
    pub(crate) secret: Secret,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AmiError {
    #[error("no connection: {0}")]
    Connection(String),
    #[error("the manager's name or secret was refused")]
    Login,
    #[error(transparent)]
    NotAmi(#[from] NotAmi),
    #[error("no answer within ten seconds")]
    Silent,
    #[error("{0}")]
    Refused(String),
}

/// A connection to the manager interface.
pub(crate) struct AmiClient {
    requests: mpsc::Sender<Request>,
    events: broadcast::Sender<Message>,
    task: JoinHandle<()>,
}

struct Request {
    action: Action,
    answer: oneshot::Sender<Message>,
}

struct Connection {
    stream: TcpStream,
    parser: Parser,
    last_id: u64,
    pending: HashMap<u64, oneshot::Sender<Message>>,
}

impl AmiClient {
    /// Connects and logs in; later losses are repaired by itself.
    pub(crate) async fn connect(account: AmiAccount) -> Result<Self, AmiError> {
        let (events, _) = broadcast::channel(1024);
        let first = Connection::open(&account, &events).await?;
        let (requests, inbox) = mpsc::channel(32);
        let task = tokio::spawn(run(account, first, inbox, events.clone()));
        Ok(Self {
            requests,
            events,
            task,
        })
    }

    /// Events from now on. `FullyBooted` is among them whenever the connection was made.
    pub(crate) fn events(&self) -> broadcast::Receiver<Message> {
        self.events.subscribe()
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn request(&self, action: Action) -> Result<Message, AmiError> {
        let (answer, answered) = oneshot::channel();
        let lost = || AmiError::Connection("it was lost".to_owned());
        self.requests
            .send(Request { action, answer })
            .await
            .map_err(|_| lost())?;
        let message = timeout(ANSWER_LIMIT, answered)
            .await
            .map_err(|_| AmiError::Silent)?
            .map_err(|_| lost())?;
        if message.get("Response").eq_ignore_ascii_case("error") {
            return Err(AmiError::Refused(message.get("Message").to_owned()));
        }
        Ok(message)
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for AmiClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    account: AmiAccount,
    first: Connection,
    mut inbox: mpsc::Receiver<Request>,
    events: broadcast::Sender<Message>,
) {
    let mut connection = Some(first);
    loop {
        if let Some(mut open) = connection.take() {
            match open.serve(&mut inbox, &events).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "manager connection lost"),
            }
        }
        tokio::time::sleep(RECONNECT).await;
        match Connection::open(&account, &events).await {
            Ok(open) => connection = Some(open),
            Err(error) => tracing::warn!(%error, "manager connection not made"),
        }
    }
}

impl Connection {
    async fn open(
        account: &AmiAccount,
        events: &broadcast::Sender<Message>,
    ) -> Result<Self, AmiError> {
        let stream = timeout(ANSWER_LIMIT, TcpStream::connect(&account.address))
            .await
            .map_err(|_| AmiError::Silent)?
            .map_err(fault)?;
        let mut connection = Self {
            stream,
            parser: Parser::default(),
            last_id: 0,
            pending: HashMap::new(),
        };
        let (answer, mut answered) = oneshot::channel();
        let login = Action::new("Login")
            .with("Username", &account.user)
            .with("Secret", account.secret.reveal())
            .with("Events", "on");
        connection
            .send(Request {
                action: login,
                answer,
            })
            .await?;
        let message = timeout(ANSWER_LIMIT, async {
            loop {
                connection.receive(events).await?;
                if let Ok(message) = answered.try_recv() {
                    return Ok::<_, AmiError>(message);
                }
            }
        })
        .await
        .map_err(|_| AmiError::Silent)??;
        if message.get("Response").eq_ignore_ascii_case("success") {
            Ok(connection)
        } else {
            Err(AmiError::Login)
        }
    }

    /// Serves until nobody asks any more.
    async fn serve(
        &mut self,
        inbox: &mut mpsc::Receiver<Request>,
        events: &broadcast::Sender<Message>,
    ) -> Result<(), AmiError> {
        loop {
            tokio::select! {
                request = inbox.recv() => match request {
                    Some(request) => self.send(request).await?,
                    None => return Ok(()),
                },
                received = self.receive(events) => received?,
            }
        }
    }

    async fn send(&mut self, request: Request) -> Result<(), AmiError> {
        self.last_id += 1;
        self.pending.insert(self.last_id, request.answer);
        self.stream
            .write_all(&request.action.bytes(self.last_id))
            .await
            .map_err(fault)
    }

    async fn receive(&mut self, events: &broadcast::Sender<Message>) -> Result<(), AmiError> {
        let mut bytes = [0; 4096];
        let count = self.stream.read(&mut bytes).await.map_err(fault)?;
        if count == 0 {
            return Err(AmiError::Connection("Asterisk closed it".to_owned()));
        }
        for message in self.parser.push(&bytes[..count])? {
            if message.get("Event").is_empty() {
                let answer = message
                    .get("ActionID")
                    .parse()
                    .ok()
                    .and_then(|id| self.pending.remove(&id));
                if let Some(answer) = answer {
                    // Whoever asked has given up, otherwise.
                    let _ = answer.send(message);
                }
            } else {
                // Nobody listening is fine.
                let _ = events.send(message);
            }
        }
        Ok(())
    }
}

fn fault(error: std::io::Error) -> AmiError {
    AmiError::Connection(error.to_string())
}
