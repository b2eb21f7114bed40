package probe

import "netsonde/internal/packet"

// rememberedAnswers is how many of the last answered echoes are told from
// strangers: an echo reply to one of them is a duplicate.
const rememberedAnswers = 1 << 12

// answers remembers the last echoes that were answered, by identity and sequence.
// A reply that nobody waits for may also be that of a trace which has ended, or
// come after its echo was given up for good, and then is no duplicate.
type answers struct{ last []answer }

type answer struct {
	name  uint32 // identity and sequence
	token uint64
	known bool
}

func answerName(r *packet.Reply) uint32 { return uint32(r.Identity)<<16 | uint32(r.Sequence) }

func (a *answers) at(name uint32) *answer {
	if a.last == nil {
		a.last = make([]answer, rememberedAnswers)
	}
	return &a.last[mix(uint64(name))%rememberedAnswers]
}

// add takes note of the first answer to an echo.
func (a *answers) add(r *packet.Reply) {
	name := answerName(r)
	*a.at(name) = answer{name: name, token: r.Token, known: true}
}

// repeated reports whether a reply answers an echo that was answered before.
func (a *answers) repeated(r *packet.Reply) bool {
	name := answerName(r)
	before := a.at(name)
	return before.known && before.name == name && before.token == r.Token
}
