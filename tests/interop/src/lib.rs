//! Tests against real counterparts: Asterisk, Kamailio with rtpengine, baresip, Chromium.
