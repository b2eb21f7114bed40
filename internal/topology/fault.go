package topology

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Action is what a fault does.
type Action string

// The actions, with their words behind them.
const (
	LinkDown  Action = "link-down"  // A B
	LinkUp    Action = "link-up"    // A B
	Loss      Action = "loss"       // A B SHARE
	Delay     Action = "delay"      // A B TIME [JITTER]
	BlackHole Action = "black-hole" // A B
	OneWay    Action = "one-way"    // A B
	Heal      Action = "heal"       // A B
	NodeStop  Action = "node-stop"  // A
	NodeStart Action = "node-start" // A
	Reroute   Action = "reroute"    // A TO [VIA]
)

// FaultUsage lists the faults for people, one a line.
const FaultUsage = `link-down A B           cut the link between A and B; paths change
link-up A B             join it again
loss A B 30%            lose a share of packets, both ways
delay A B 20ms [5ms]    delay packets, both ways, by that and a part of the jitter
black-hole A B          lose everything, while routes still lead there
one-way A B             lose everything from A to B and nothing from B to A
heal A B                make the link what the plan says
node-stop A             cut all links of A and close its services
node-start A            undo that
reroute A TO [VIA]      send what A has for TO through its neighbour VIA; without
                        VIA by the shortest path again
`

// actions are all of them, for messages.
const actions = "link-down, link-up, loss, delay, black-hole, one-way, heal, node-stop, node-start, reroute"

// usage returns an action's form.
func (a Action) usage() string {
	for line := range strings.Lines(FaultUsage) {
		if strings.HasPrefix(line, string(a)+" ") {
			form, _, _ := strings.Cut(line, "  ")
			return "give " + form
		}
	}
	return ""
}

// Fault is one change of a running lab.
type Fault struct {
	Action Action `json:"action"`
	A      string `json:"a"`
	B      string `json:"b,omitempty"`
	// Via is the neighbour of a reroute.
	Via string `json:"via,omitempty"`
	Effects
}

// ParseFault reads the words of a fault as FaultUsage lists them.
func ParseFault(words []string) (Fault, error) {
	if len(words) == 0 {
		return Fault{}, errors.New("no fault: give one of " + actions)
	}
	f := Fault{Action: Action(words[0])}
	least, most := 2, 2
	switch f.Action {
	case LinkDown, LinkUp, BlackHole, OneWay, Heal:
	case NodeStop, NodeStart:
		least, most = 1, 1
	case Loss:
		least, most = 3, 3
	case Delay:
		least, most = 3, 4
	case Reroute:
		least, most = 2, 3
	default:
		return Fault{}, fmt.Errorf("%q is no fault: give one of %s", words[0], actions)
	}
	words = words[1:]
	if len(words) < least || len(words) > most {
		return Fault{}, fmt.Errorf("%s does not take %d words: %s", f.Action, len(words), f.Action.usage())
	}
	f.A = words[0]
	if len(words) > 1 {
		f.B = words[1]
	}
	if len(words) < 3 {
		return f, nil
	}
	err := f.parseAmount(words[2:])
	return f, err
}

// parseAmount reads what stands behind the two nodes.
func (f *Fault) parseAmount(words []string) (err error) {
	switch f.Action {
	case Reroute:
		f.Via = words[0]
	case Loss:
		f.Loss, err = ParseShare(words[0])
	case Delay:
		if f.Delay, err = time.ParseDuration(words[0]); err == nil && len(words) > 1 {
			f.Jitter, err = time.ParseDuration(words[1])
		}
		if err != nil {
			return fmt.Errorf("delay of %q: give a time such as 20ms", words)
		}
	}
	if err == nil {
		_, err = f.check()
	}
	return err
}

// String returns the fault's words; ParseFault reads them back.
func (f Fault) String() string {
	words := []string{string(f.Action), f.A}
	if f.B != "" {
		words = append(words, f.B)
	}
	switch {
	case f.Via != "":
		words = append(words, f.Via)
	case f.Action == Loss:
		words = append(words, FormatShare(f.Loss))
	case f.Action == Delay:
		words = append(words, f.Delay.String())
		if f.Jitter > 0 {
			words = append(words, f.Jitter.String())
		}
	}
	return strings.Join(words, " ")
}

// ParseShare reads a share, "30%" or "0.3", as 0 to 1.
func ParseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(number, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share >= 0 && share <= 1) {
		return 0, fmt.Errorf("%q is no share: give 0%% to 100%%", text)
	}
	return share, nil
}

// FormatShare writes a share of 0 to 1 as percent.
func FormatShare(share float64) string {
	return strconv.FormatFloat(share*100, 'g', 6, 64) + "%"
}
