//! Client of the contact-centre server: sign-in, profile, presence, realtime.
//!
//! Routes and field names of the server stand here and in `profile::wire`, nowhere else. This room decides
//! nothing about calls and knows nothing of SIP or sound.
