package netsonde

// Outcome says how one probe ended. Every probe ends with exactly one, and
// every missing answer has a cause.
type Outcome uint8

// The outcomes, in three groups: answered, theirs and ours.
const (
	// OutcomePending is the zero value: the probe has not ended.
	OutcomePending Outcome = iota
	// OutcomeOK is an answer within the timeout.
	OutcomeOK
	// OutcomeLate is an answer after the timeout. Its RTT is kept; it is not loss.
	OutcomeLate
	// OutcomeUnanswered was sent, nothing came back and no local cause is known.
	OutcomeUnanswered
	// OutcomeUnreachable was answered by an ICMP error.
	OutcomeUnreachable
	// OutcomeSendFailed never left this machine.
	OutcomeSendFailed
	// OutcomeOverrun lost its answer in a queue of this machine.
	OutcomeOverrun
	// OutcomeStalled was not run in time by this process.
	OutcomeStalled
	// OutcomeUnresolved had no address to go to.
	OutcomeUnresolved
)

var outcomeNames = [...]string{
	"pending", "ok", "late", "unanswered", "unreachable",
	"send_failed", "overrun", "stalled", "unresolved",
}

// String returns the outcome's name as outputs print it.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "invalid"
}

// Answered reports whether the target answered, in time or late.
func (o Outcome) Answered() bool { return o == OutcomeOK || o == OutcomeLate }

// Theirs reports whether the answer is missing because of the path or the target.
func (o Outcome) Theirs() bool { return o == OutcomeUnanswered || o == OutcomeUnreachable }

// Ours reports whether the answer is missing because of this machine. Such a
// probe says nothing about the target and stays out of its loss.
func (o Outcome) Ours() bool { return o >= OutcomeSendFailed && o <= OutcomeUnresolved }
