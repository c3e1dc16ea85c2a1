//! What happens on the wire, as the layers above see it.

use super::NameAddr;

/// Names a dialog (one call leg) for the life of the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId(pub u64);

/// Names a transport flow (one connection, or one UDP remote address).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Names a subscription for the life of the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

/// What an endpoint has open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls, those whose last messages are on their way included.
    pub dialogs: usize,
    /// Transactions of RFC 3261 §17, of both sides.
    pub transactions: usize,
}

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// Messages waiting in a mailbox (RFC 3842); told as [`Event::MessagesWaiting`].
    MessageSummary,
    /// What another phone is doing (RFC 4235); told as [`Event::LineState`].
    DialogInfo,
}

/// What another phone is doing, the busiest of its calls counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineState {
    /// No call.
    #[default]
    Free,
    /// It calls somebody who has not answered.
    Calling,
    /// A call rings there.
    Ringing,
    /// Somebody talks.
    Talking,
}

/// Whom to call, and over what.
#[derive(Clone, Debug)]
pub enum CallTarget {
    /// Through the registrar of the account given to [`Endpoint::set_account`]. A number, `user@host` or a SIP URI.
    Account(String),
    /// Server role: straight to a registered contact over its flow.
    Contact {
        /// Contact URI, as registered.
        uri: String,
        /// Flow of the registration.
        flow: FlowId,
        /// From of the INVITE.
        from: NameAddr,
    },
}

/// What happens on the wire.
#[derive(Debug)]
pub enum Event {
    /// The registration of the account changed.
    Registration(RegistrationState),
    /// A new call wants in; answer it with `ringing`, `accept` or `reject`.
    Incoming(IncomingInvite),
    /// A provisional answer (18x) to our INVITE, with the early answer when it carries one.
    Provisional {
        /// Which dialog.
        dialog: DialogId,
        /// 180–199.
        status: u16,
        /// SDP answer, when there is one.
        sdp: Option<String>,
    },
    /// Our INVITE was answered with 2xx.
    Answered {
        /// Which dialog.
        dialog: DialogId,
        /// SDP answer; `None` when it came in a reliable or earlier provisional answer.
        sdp: Option<String>,
    },
    /// The ACK of our 200 arrived.
    Confirmed {
        /// Which dialog.
        dialog: DialogId,
    },
    /// The far end offers anew (re-INVITE or UPDATE); answer with `answer_reoffer`. `None` asks for our offer.
    Reoffer {
        /// Which dialog.
        dialog: DialogId,
        /// Its SDP offer.
        sdp: Option<String>,
    },
    /// The far end answered our `reoffer`, or, in its ACK, the offer that an INVITE without SDP asked us for.
    ReofferAnswered {
        /// Which dialog.
        dialog: DialogId,
        /// SDP answer.
        sdp: String,
    },
    /// The far end refused our `reoffer`; the session goes on as it was.
    ReofferRefused {
        /// Which dialog.
        dialog: DialogId,
        /// SIP status.
        status: u16,
    },
    /// Our `reoffer` collided with the far end's (491) and theirs came first: ours was withdrawn unsent. Answer the
    /// [`Event::Reoffer`] that follows, then offer anew what is still wanted.
    ReofferOvertaken {
        /// Which dialog.
        dialog: DialogId,
    },
    /// An INFO in a dialog (already answered with 200).
    Info {
        /// Which dialog.
        dialog: DialogId,
        /// Its Content-Type.
        content_type: String,
        /// Its body.
        body: Vec<u8>,
    },
    /// How far a transfer asked for with [`Endpoint::refer`](crate::Endpoint::refer) is (RFC 3515 §2.4.4). A dialog
    /// that ends first takes its transfer with it: then only `Ended` comes.
    ReferProgress {
        /// The dialog whose far end is being transferred.
        dialog: DialogId,
        /// What the far end met at the target: 1xx under way, 2xx through, 300 and above refused; 408 when it
        /// fell silent. A 1xx with `done` means that the far end tells no more.
        status: u16,
        /// SIP reason phrase.
        reason: String,
        /// Nothing more follows. With a 2xx the dialogs of the transfer are hung up by themselves: `Ended` comes next.
        done: bool,
    },
    /// Server role: the phone that we called sends the call elsewhere (302); `Ended` comes next. A client's call
    /// follows by itself.
    Redirected {
        /// Which dialog.
        dialog: DialogId,
        /// Where to: URIs, the preferred one first.
        targets: Vec<String>,
    },
    /// The far end asks us to call somebody else instead (REFER, RFC 3515), once [`Endpoint::allow_transfers`] lets
    /// it; answer with [`Endpoint::answer_refer`].
    ///
    /// [`Endpoint::allow_transfers`]: crate::Endpoint::allow_transfers
    /// [`Endpoint::answer_refer`]: crate::Endpoint::answer_refer
    Referred(ReferRequest),
    /// A dialog is over, whoever ended it; always the last event of a dialog.
    Ended {
        /// Which dialog.
        dialog: DialogId,
        /// Why.
        end: DialogEnd,
    },
    /// How many voice messages wait.
    MessagesWaiting {
        /// Which subscription; `None` when the registrar tells it unasked.
        subscription: Option<SubscriptionId>,
        /// Any message waits.
        waiting: bool,
        /// New voice messages.
        new: u32,
        /// Old voice messages.
        old: u32,
    },
    /// What a phone that we subscribed to is doing.
    LineState {
        /// Which subscription.
        subscription: SubscriptionId,
        /// What it is doing.
        state: LineState,
    },
    /// A subscription was refused for good; other faults are tried again by themselves.
    SubscriptionRefused {
        /// Which subscription.
        subscription: SubscriptionId,
        /// SIP status.
        status: u16,
    },
    /// Server role: an authenticated REGISTER (already answered with 200 and its Contact).
    Registered(RegisterRequest),
    /// Server role: a flow closed; contacts registered over it are gone.
    FlowClosed(FlowId),
}

/// A new incoming call.
#[derive(Clone, Debug, Default)]
pub struct IncomingInvite {
    /// Names it from now on.
    pub dialog: DialogId,
    /// Flow that it came over.
    pub flow: FlowId,
    /// Caller: P-Asserted-Identity, Remote-Party-ID or From, in that order; only From when it is not `trusted`.
    pub from: NameAddr,
    /// It came over the connection to the account's own registrar.
    pub trusted: bool,
    /// Call-ID, as it stands in the INVITE.
    pub call_id: String,
    /// Called address.
    pub to: NameAddr,
    /// User part of the Request-URI: the dialled number.
    pub request_user: String,
    /// Server role: the authenticated user.
    pub authenticated_user: Option<String>,
    /// Server role: how many servers may still pass the call on (Max-Forwards, RFC 3261 §8.1.1.6; 70 where it does not
    /// say). Whoever is called may take it at 0; whoever would pass it on refuses it with 483.
    pub max_forwards: u8,
    /// SDP offer; `None` asks for our offer.
    pub sdp: Option<String>,
    /// All `X-` headers and the ones that name diversion, queue or reason, as received, in order.
    pub headers: Vec<(String, String)>,
    /// Who diverted the call to us, the last one first (Diversion, RFC 5806, or else History-Info, RFC 7044).
    pub diversions: Vec<Diversion>,
    /// How the registrar wants it answered; nothing is said of that when it is not `trusted`.
    pub answer_mode: AnswerMode,
    /// A call of ours that this one takes the place of (Replaces, RFC 3891), once [`Endpoint::allow_transfers`] lets
    /// it; it is hung up when this one is accepted.
    ///
    /// [`Endpoint::allow_transfers`]: crate::Endpoint::allow_transfers
    pub replaces: Option<DialogId>,
}

/// How a call that comes in wants to be answered: `Priv-Answer-Mode` or else `Answer-Mode` (RFC 5373),
/// `Call-Info: …;answer-after` and `Alert-Info: …info=alert-autoanswer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerMode {
    /// It does not say.
    #[default]
    Unsaid,
    /// By a person.
    Manual,
    /// Without asking anybody.
    Auto {
        /// How long it shall ring, seconds, where it says so.
        after_s: Option<u16>,
        /// Whoever would ask a person refuses the call with 403 instead.
        required: bool,
    },
}

/// One diversion of a call on its way to us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diversion {
    /// Who was called before.
    pub from: NameAddr,
    /// Why it went on, for example `no-answer`, or the SIP status of History-Info; may be empty.
    pub reason: String,
}

/// The far end's wish that we call somebody else.
#[derive(Clone, Debug, Default)]
pub struct ReferRequest {
    /// The dialog it came in.
    pub dialog: DialogId,
    /// Whom to call, ready for [`CallTarget::Account`].
    pub target: String,
    /// Header fields that the call must carry (`Replaces`, `Referred-By`), ready for `Endpoint::invite`.
    pub headers: Vec<(String, String)>,
    /// Who asks.
    pub referred_by: NameAddr,
    /// The call of this endpoint that `Replaces` names, when it is one of ours (a telephone system joins the two).
    pub replaces: Option<DialogId>,
}

/// Server role: who registered where.
#[derive(Clone, Debug)]
pub struct RegisterRequest {
    /// User of the address of record.
    pub user: String,
    /// Contact URI; empty with `expires_s` 0: every contact of the user is removed.
    pub contact: String,
    /// Flow to reach it over.
    pub flow: FlowId,
    /// Seconds until it expires; 0 removes it.
    pub expires_s: u32,
    /// The proxies on the way to it (Path, RFC 3327), the nearest to us first: `Route` fields of what is sent there.
    pub path: Vec<String>,
}

/// State of the registration of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Unregistered on purpose.
    Unregistered,
    /// Connecting or waiting for the answer.
    Trying,
    /// Registered on a live connection.
    Registered {
        /// Seconds granted; 0 when connected for an account that does not register.
        expires_s: u32,
    },
    /// Refused for good until the account changes: wrong credentials (401, 403, 407), unknown user (404).
    Refused {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
    /// No connection, or no answer; tried again by itself.
    Unreachable {
        /// What happened, in words.
        fault: String,
        /// Milliseconds until the next try.
        retry_in_ms: u64,
    },
    /// The server's certificate cannot be trusted; tried again slowly.
    Certificate {
        /// What is wrong with it, in words.
        fault: String,
    },
}

/// Why a dialog is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogEnd {
    /// We ended it (BYE, CANCEL, or a rejection).
    Local,
    /// The far end sent BYE.
    RemoteBye,
    /// The caller cancelled while it rang. Carries `Reason`, for example `SIP;cause=200;text="Call completed elsewhere"`.
    Cancelled(Option<String>),
    /// Our INVITE was refused.
    Refused {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
    /// No answer from the network, or the connection could not be made.
    Unreachable(String),
}
