package evidence

// Kind names what was observed. Kinds are only ever appended; none is renamed or reused.
type Kind string

// Fact is the body of an entry.
type Fact interface{ Kind() Kind }

// New makes an empty fact of the kind, a pointer to its struct, or nil where the kind is unknown.
func New(k Kind) Fact {
	if f, ok := kinds[k]; ok {
		return f()
	}
	return nil
}

var kinds = map[Kind]func() Fact{}

func register[T any, P interface {
	*T
	Fact
}]() {
	kinds[P(new(T)).Kind()] = func() Fact { return P(new(T)) }
}

func init() {
	register[Scheduled]()
	register[Cancelled]()
	register[MailFrozen]()
	register[MailSent]()
	register[MailFailed]()
	register[LinkOpened]()
	register[NoticeRead]()
	register[Consented]()
	register[DocumentUploaded]()
	register[DocumentHeld]()
	register[DeviceChecked]()
	register[IdentityChecked]()
	register[PartyJoined]()
	register[PartyLeft]()
	register[PartyAdmitted]()
	register[MediaObserved]()
	register[MuteChanged]()
	register[BreakTaken]()
	register[ServiceGap]()
	register[Closed]()
	register[Completed]()
	register[TimesheetApproved]()
	register[TimesheetSigned]()
	register[ReplyReceived]()
	register[ReplyClassified]()
	register[ReplyDecided]()
	register[Sealed]()
	register[BundleIssued]()
	register[ClassErased]()
	register[NodeStarted]()
	register[KeyMade]()
	register[RulePackAdopted]()
	register[AgencySeeded]()
	register[AccountOpened]()
	register[AccountSignedIn]()
	register[RecordRead]()
	register[AnchorReceived]()
	register[AnchorFailed]()
	register[StillTaken]()
}
