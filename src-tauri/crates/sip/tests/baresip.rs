//! A foreign user agent registers and calls: baresip over UDP.

mod common;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::{contact, server};
use sidetone_sip::{DialogEnd, Event, Listen};

/// What baresip can be offered; nothing is listening there.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n";

struct Baresip {
    process: Child,
    folder: PathBuf,
}

impl Baresip {
    fn start(server: SocketAddr) -> Self {
        let folder = std::env::temp_dir().join(format!("sidetone-baresip-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: String| {
            let mut file = std::fs::File::create(folder.join(name)).expect("a file");
            file.write_all(text.as_bytes()).expect("written");
        };
        write(
            "config",
            "poll_method epoll\nsip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\naudio_player aubridge,x\naudio_source ausine,440\naudio_alert aubridge,y\nmodule_path /usr/lib/baresip/modules\nmodule opus.so\nmodule aubridge.so\nmodule ausine.so\nmodule uuid.so\nmodule stdio.so\nmodule_tmp account.so\nmodule_app menu.so\n".to_owned(),
        );
        write(
            "accounts",
            format!(
                "<sip:1001@{server};transport=udp>;auth_user=1001;auth_pass=right;answermode=auto;regint=60\n"
            ),
        );
        write("contacts", String::new());
        let process = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .args(["-e", &format!("/dial sip:600@{server}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("baresip");
        Self { process, folder }
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[tokio::test]
#[ignore = "needs baresip"]
async fn baresip_registers_calls_and_is_called() {
    let on = (Ipv4Addr::LOCALHOST, 0).into();
    let mut server = server(vec![Listen::Udp(on)]).await;
    let _baresip = Baresip::start(server.endpoint.listening()[0]);
    let (mut binding, mut invite) = (None, None);
    while binding.is_none() || invite.is_none() {
        match server.next().await {
            Event::Registered(request) => binding = Some(request),
            Event::Incoming(call) => invite = Some(call),
            _ => {}
        }
    }
    let (binding, invite) = (binding.expect("registered"), invite.expect("called"));
    assert_eq!((binding.user.as_str(), binding.expires_s), ("1001", 60));
    assert_eq!(invite.request_user, "600");
    assert_eq!(invite.authenticated_user.as_deref(), Some("1001"));
    assert!(invite.sdp.is_some_and(|sdp| sdp.contains("m=audio")));
    let dialog = invite.dialog;
    server.endpoint.ringing(dialog, None).expect("ringing");
    server
        .endpoint
        .accept(dialog, OFFER.to_owned())
        .expect("accept");
    server
        .until(|e| matches!(e, Event::Confirmed { dialog: d } if d == dialog).then_some(()))
        .await;
    // Hold and its answer.
    let hold = OFFER.replace("1 1 IN", "1 2 IN") + "a=sendonly\r\n";
    server.endpoint.reoffer(dialog, hold).expect("hold");
    let held = server
        .until(|e| match e {
            Event::ReofferAnswered { sdp, .. } => Some(sdp),
            _ => None,
        })
        .await;
    assert!(held.contains("m=audio"));
    server.endpoint.hang_up(dialog, None).expect("hang up");
    assert_eq!(server.ended(dialog).await, DialogEnd::Local);

    let target = contact(binding.flow, &binding.contact);
    let call = server
        .endpoint
        .invite(target, OFFER.to_owned(), vec![])
        .await
        .expect("a call");
    let answer = server
        .until(|e| match e {
            Event::Answered { sdp, .. } => Some(sdp),
            Event::Ended { end, .. } => panic!("{end:?}"),
            _ => None,
        })
        .await;
    assert!(answer.is_some_and(|sdp| sdp.contains("opus")));
    server.endpoint.hang_up(call, None).expect("hang up");
    assert_eq!(server.ended(call).await, DialogEnd::Local);
}
