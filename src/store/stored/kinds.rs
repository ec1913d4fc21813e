//! The registry of event types: the one place where a kind of event gets its number.
//!
//! A number is never changed and never used again, also when its event is gone: old journals still hold it.
//! The hundreds are the noun.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)+) => {
        $($(#[$doc])* pub const $name: u16 = $number;)+

        /// Every type with its name.
        pub const ALL: &[(u16, &str)] = &[$(($number, stringify!($name))),+];
    };
}

kinds! {
    /// A request that changed nothing was answered; on every stream.
    ANSWERED = 1;

    /// An organisation began.
    ORGANISATION_FOUNDED = 100;
    /// Its settings changed.
    SETTINGS_CHANGED = 101;
    /// A venue was added or changed.
    VENUE_SAVED = 110;
    /// A venue was taken out.
    VENUE_DELETED = 111;
    /// A violation type got a profile of the organisation's own.
    VIOLATION_TYPE_SAVED = 120;
    /// It lost that profile.
    VIOLATION_TYPE_DELETED = 121;

    /// A new violation was reported.
    VIOLATION_REPORTED = 200;
    /// An open violation was reported again.
    VIOLATION_REPEATED = 201;
    /// Somebody took notice of a violation.
    VIOLATION_ACKNOWLEDGED = 202;
    /// A violation ended.
    VIOLATION_RESOLVED = 203;
    /// One that its source or the quiet had ended was reported again in time.
    VIOLATION_REOPENED = 220;

    /// A template was added or changed.
    TEMPLATE_SAVED = 300;
    /// A template was taken out.
    TEMPLATE_DELETED = 301;

    /// A template on trial would have asked for something.
    SHADOW_NOTED = 310;

    /// A template asked for something.
    ACTION_CREATED = 400;
    /// It was tried.
    ACTION_ATTEMPTED = 401;
    /// It will not be done.
    ACTION_DISMISSED = 402;
    /// It is to be tried again.
    ACTION_REQUEUED = 403;
    /// The next rung of an escalation is told.
    ACTION_ESCALATED = 410;
    /// An escalation ended because somebody acted.
    ACTION_STOPPED = 411;
    /// Its reminder was due.
    ACTION_REMINDED = 412;

    /// A block was placed.
    BLOCK_PLACED = 500;
    /// A block was lifted.
    BLOCK_LIFTED = 501;
    /// A block's time was over.
    BLOCK_EXPIRED = 502;

    /// A silence was set.
    SILENCE_ADDED = 600;
    /// A silence was ended before its time.
    SILENCE_ENDED = 601;
    /// The rules of inhibition changed.
    INHIBITIONS_CHANGED = 610;
    /// A grant was given.
    GRANT_GIVEN = 510;
    /// A grant was used for an operation.
    GRANT_USED = 511;
    /// A grant ended before its uses did.
    GRANT_ENDED = 512;

    /// A request for approval was submitted.
    APPROVAL_SUBMITTED = 700;
    /// Somebody decided about it.
    APPROVAL_DECIDED = 701;
    /// It was cancelled, or nobody decided in time.
    APPROVAL_CLOSED = 702;
    /// It was carried out.
    APPROVAL_EXECUTED = 703;

    /// The policy lets it run.
    APPROVAL_CLEARED = 704;
    /// It waits for its time.
    APPROVAL_SCHEDULED = 705;
    /// It waits for decisions again.
    APPROVAL_REOPENED = 706;
    /// It got another payload.
    APPROVAL_EDITED = 707;
    /// Its execution began.
    APPROVAL_CLAIMED = 708;
    /// The same was done lately.
    APPROVAL_SKIPPED = 709;
    /// Another try will be made.
    APPROVAL_TRIED_AGAIN = 710;
    /// It failed, or nobody knows.
    APPROVAL_FAILED = 711;
    /// It is to run once more.
    APPROVAL_RETRIED = 712;
    /// What it did was taken back.
    APPROVAL_UNDONE = 713;

    /// A run began.
    TASK_MADE = 730;
    /// A run said something.
    TASK_PROGRESSED = 731;
    /// A run ended.
    TASK_FINISHED = 732;

    /// A webhook was made.
    WEBHOOK_SAVED = 720;
    /// A webhook was taken out.
    WEBHOOK_DELETED = 721;
    /// A webhook is to be told something.
    NOTICE_MADE = 722;
    /// It was tried.
    NOTICE_ATTEMPTED = 723;
    /// A webhook got another secret.
    WEBHOOK_ROTATED = 724;
    /// Somebody tried a webhook.
    WEBHOOK_TESTED = 725;
    /// A webhook that took nothing was switched off.
    WEBHOOK_DISABLED = 726;
    /// It was switched on again.
    WEBHOOK_ENABLED = 727;
    /// Notices are told again.
    NOTICES_RESENT = 728;

    /// A capability of a module was registered.
    CAPABILITY_SAVED = 740;
    /// A capability of a module was taken out.
    CAPABILITY_DELETED = 741;
    /// The policy of approvals changed.
    APPROVAL_POLICY_CHANGED = 742;
    /// The settled channels changed.
    CHANNELS_CHANGED = 743;

    /// People are to hear of something.
    ANNOUNCEMENT_MADE = 800;
    /// They have.
    ANNOUNCEMENT_ENDED = 801;
    /// A person is told something.
    NOTIFICATION_MADE = 810;
    /// A person has read some of theirs.
    NOTIFICATIONS_READ = 811;
    /// It was tried to reach a person.
    NOTIFICATION_ATTEMPTED = 812;
    /// What was held back for a person became one message.
    DIGEST_MADE = 813;
    /// A person said what they want to hear.
    PREFERENCES_SAVED = 820;
    /// A person's browser is reached.
    PUSH_SUBSCRIPTION_ADDED = 821;
    /// It is not any more.
    PUSH_SUBSCRIPTION_REMOVED = 822;
    /// The hours changed in which only what is critical reaches people.
    RUSH_CHANGED = 823;

    /// The directory knows an organisation.
    ORGANISATION_REGISTERED = 900;
    /// An API key was made.
    KEY_CREATED = 910;
    /// An API key was revoked.
    KEY_REVOKED = 911;
    /// A person was added or changed.
    USER_SAVED = 920;
    /// A person was taken out.
    USER_REMOVED = 921;
    /// Somebody logged in.
    SESSION_OPENED = 930;
    /// Sessions ended.
    SESSIONS_CLOSED = 931;
}
