package evidence

// Wire names of the facts.

// Kind is interview-scheduled.
func (*Scheduled) Kind() Kind { return "interview-scheduled" }

// Kind is interview-cancelled.
func (*Cancelled) Kind() Kind { return "interview-cancelled" }

// Kind is link-opened.
func (*LinkOpened) Kind() Kind { return "link-opened" }

// Kind is notice-read.
func (*NoticeRead) Kind() Kind { return "notice-read" }

// Kind is consented.
func (*Consented) Kind() Kind { return "consented" }

// Kind is document-uploaded.
func (*DocumentUploaded) Kind() Kind { return "document-uploaded" }

// Kind is document-held.
func (*DocumentHeld) Kind() Kind { return "document-held" }

// Kind is device-checked.
func (*DeviceChecked) Kind() Kind { return "device-checked" }

// Kind is identity-checked.
func (*IdentityChecked) Kind() Kind { return "identity-checked" }

// Kind is party-admitted.
func (*PartyAdmitted) Kind() Kind { return "party-admitted" }

// Kind is party-joined.
func (*PartyJoined) Kind() Kind { return "party-joined" }

// Kind is party-left.
func (*PartyLeft) Kind() Kind { return "party-left" }

// Kind is media-observed.
func (*MediaObserved) Kind() Kind { return "media-observed" }

// Kind is mute-changed.
func (*MuteChanged) Kind() Kind { return "mute-changed" }

// Kind is break-taken.
func (*BreakTaken) Kind() Kind { return "break-taken" }

// Kind is service-gap.
func (*ServiceGap) Kind() Kind { return "service-gap" }

// Kind is still-taken.
func (*StillTaken) Kind() Kind { return "still-taken" }

// Kind is interview-closed.
func (*Closed) Kind() Kind { return "interview-closed" }

// Kind is interview-completed.
func (*Completed) Kind() Kind { return "interview-completed" }

// Kind is timesheet-approved.
func (*TimesheetApproved) Kind() Kind { return "timesheet-approved" }

// Kind is timesheet-signed.
func (*TimesheetSigned) Kind() Kind { return "timesheet-signed" }

// Kind is mail-frozen.
func (*MailFrozen) Kind() Kind { return "mail-frozen" }

// Kind is mail-sent.
func (*MailSent) Kind() Kind { return "mail-sent" }

// Kind is mail-failed.
func (*MailFailed) Kind() Kind { return "mail-failed" }

// Kind is reply-received.
func (*ReplyReceived) Kind() Kind { return "reply-received" }

// Kind is reply-classified.
func (*ReplyClassified) Kind() Kind { return "reply-classified" }

// Kind is reply-decided.
func (*ReplyDecided) Kind() Kind { return "reply-decided" }

// Kind is interview-sealed.
func (*Sealed) Kind() Kind { return "interview-sealed" }

// Kind is bundle-issued.
func (*BundleIssued) Kind() Kind { return "bundle-issued" }

// Kind is class-erased.
func (*ClassErased) Kind() Kind { return "class-erased" }

// Kind is node-started.
func (*NodeStarted) Kind() Kind { return "node-started" }

// Kind is key-made.
func (*KeyMade) Kind() Kind { return "key-made" }

// Kind is rule-pack-adopted.
func (*RulePackAdopted) Kind() Kind { return "rule-pack-adopted" }

// Kind is agency-seeded.
func (*AgencySeeded) Kind() Kind { return "agency-seeded" }

// Kind is account-opened.
func (*AccountOpened) Kind() Kind { return "account-opened" }

// Kind is account-signed-in.
func (*AccountSignedIn) Kind() Kind { return "account-signed-in" }

// Kind is record-read.
func (*RecordRead) Kind() Kind { return "record-read" }

// Kind is anchor-received.
func (*AnchorReceived) Kind() Kind { return "anchor-received" }

// Kind is anchor-failed.
func (*AnchorFailed) Kind() Kind { return "anchor-failed" }
