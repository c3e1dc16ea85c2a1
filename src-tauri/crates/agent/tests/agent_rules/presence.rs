//! Pause of single channels; pause of everything is in `sign_in`.

use crate::desk::{Desk, deeds, paused, ready, rings};
use serde_json::json;
use sidetone_agent::{
    ChannelPresence, Command, Effect, Input, LinkState, PresenceReport, PresenceState,
};
use sidetone_profile::Channel;

fn with_channels(report: PresenceReport, paused: &[Channel]) -> PresenceReport {
    let channels = [Channel::Voice, Channel::Chat, Channel::Email];
    PresenceReport {
        channels: channels
            .map(|channel| ChannelPresence {
                channel,
                paused: paused.contains(&channel),
                reason: Some("Training".to_owned()),
                paused_for_ms: 4_000,
            })
            .into(),
        ..report
    }
}

fn pause(channel: Channel) -> Command {
    Command::PauseChannel {
        channel,
        reason: "Training".to_owned(),
    }
}

fn partial(paused: &[Channel]) -> Desk {
    let mut desk = Desk::with_presence(json!({}), with_channels(ready(), paused));
    desk.server(|settings| settings.partial_pause = true);
    desk
}

#[test]
fn a_channel_is_paused_when_the_server_confirms_it_and_only_that_one() {
    let mut desk = partial(&[]);
    assert!(desk.view().permissions.partial_pause);
    let reason = "Training".to_owned();
    let channel = Channel::Chat;
    assert_eq!(
        desk.command(pause(channel)),
        [Effect::PauseChannel { channel, reason }]
    );
    let shown = |desk: &Desk| {
        let channels = desk.view().presence.channels;
        let chat = channels.iter().find(|shown| shown.channel == Channel::Chat);
        chat.expect("chat is shown").clone()
    };
    assert!(shown(&desk).pending && !shown(&desk).paused);
    assert!(!desk.view().presence.pending, "not the other pause");
    desk.give(Input::Presence(with_channels(ready(), &[Channel::Chat])));
    desk.wait(2_000);
    let chat = shown(&desk);
    assert!(chat.paused && !chat.pending);
    assert_eq!(chat.reason.as_deref(), Some("Training"));
    assert_eq!(chat.paused_for_ms, Some(6_000));
    let presence = desk.view().presence;
    assert_eq!(presence.state, PresenceState::Ready);
    assert_eq!(presence.channels.len(), 3);
    assert!(
        presence
            .channels
            .iter()
            .filter(|shown| shown.paused)
            .count()
            == 1
    );

    assert_eq!(
        desk.command(Command::UnpauseChannel { channel }),
        [Effect::UnpauseChannel { channel }]
    );
    assert!(shown(&desk).pending && shown(&desk).paused);
    desk.give(Input::PresenceFailed {
        detail: "no".to_owned(),
    });
    assert!(!shown(&desk).pending);
    assert_eq!(desk.codes(), ["presence_failed"]);
}

#[test]
fn channels_are_paused_only_where_the_server_allows_it() {
    // Not allowed at all.
    let mut desk = Desk::with_presence(json!({}), with_channels(ready(), &[]));
    assert_eq!(desk.view().presence.channels, []);
    assert_eq!(deeds(desk.command(pause(Channel::Chat))), []);
    assert_eq!(desk.codes(), ["channel_not_pausable"]);
    // Not this channel.
    let mut desk = partial(&[]);
    assert_eq!(deeds(desk.command(pause(Channel::Fax))), []);
    assert_eq!(desk.codes(), ["channel_not_pausable"]);
    // The server is away.
    let mut desk = partial(&[]);
    desk.give(Input::Link(LinkState::Down("gone".to_owned())));
    assert_eq!(deeds(desk.command(pause(Channel::Chat))), []);
    assert_eq!(desk.codes(), ["presence_failed"]);
}

#[test]
fn do_not_disturb_counts_a_pause_of_voice_and_ends_with_it_at_once() {
    let settings = json!({"phoneBarDnd": true});
    for (report, disturbed) in [
        (with_channels(ready(), &[]), true),
        (with_channels(ready(), &[Channel::Chat]), true),
        (with_channels(ready(), &[Channel::Voice]), false),
        (with_channels(paused("Lunch"), &[]), false),
    ] {
        let mut desk = Desk::with_presence(settings.clone(), report.clone());
        let (_, effects) = desk.ring();
        assert_eq!(rings(&effects), disturbed, "{report:?}");
        desk.give(Input::Presence(with_channels(ready(), &[])));
        let (_, effects) = Desk::with_presence(settings.clone(), ready()).ring();
        assert!(rings(&effects), "takes calls at once");
    }
    let mut desk = Desk::with_presence(settings, with_channels(paused("Lunch"), &[]));
    assert!(!rings(&desk.ring().1));
    desk.give(Input::Presence(with_channels(ready(), &[])));
    assert!(rings(&desk.ring().1));
}

#[test]
fn the_server_away_since_before_the_sign_in_is_said_in_other_words() {
    use crate::desk::code;
    for (link, expected) in [
        (LinkState::Down("gone".to_owned()), "link_down"),
        (LinkState::Away("gone".to_owned()), "working_offline"),
    ] {
        let mut desk = Desk::with_presence(json!({}), PresenceReport::default());
        desk.give(Input::Link(link));
        let view = desk.view();
        let codes: Vec<_> = view.warnings.iter().map(code).collect();
        assert_eq!(codes, [expected]);
        assert_eq!(view.presence.state, PresenceState::Unknown);
        assert!(view.presence.stale);
        assert!(view.light.green, "calls still come in");
    }
}
