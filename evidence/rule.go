package evidence

// Rule is the duration rule's parameters, all in seconds. A pack states it; DurationEngine versions the code.
type Rule struct {
	Liveness    int `json:"liveness"`     // a party counts while seen with media within so many seconds
	Minimum     int `json:"minimum"`      // shorter segments are dropped
	Tolerance   int `json:"tolerance"`    // longer gaps are not bridged
	BridgeTotal int `json:"bridge_total"` // all bridges together; 0 = the smaller of 300 and 5 % of S
}

// DurationEngine is the version of Duration. Every released version stays here.
const DurationEngine = 1
